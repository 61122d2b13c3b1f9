"""What the operations of an `inference.yml` say: PaddleOCR's and PaddleClas' names, in this pipeline's terms.

Each function reads one operation's settings and returns fields of `InferenceConfig`. Operations for labels,
which exports carry along from training, and the order of axes change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipelines.models.settings import Settings, UnsupportedError

Fields = dict[str, Any]

_HALVES = (0.5, 0.5, 0.5)
_STRIDE = 32  # detection networks halve their input five times
_WITHOUT_EFFECT = ("ToCHWImage", "KeepKeys")
_POST_PROCESSES = {
    "DBPostProcess": "DBPostProcess",
    "CTCLabelDecode": "CTCLabelDecode",
    # A distilled student's export names its teacher's; the numbers are the same.
    "DistillationDBPostProcess": "DBPostProcess",
    "DistillationCTCLabelDecode": "CTCLabelDecode",
    "ClsPostProcess": "Topk",
}


def pre_process(content: Mapping[str, Any]) -> Fields:
    """The fields that `PreProcess` fills; UnsupportedError for what this pipeline does not do."""
    operations = (content.get("PreProcess") or {}).get("transform_ops") or ()
    fields: Fields = {"img_mode": "RGB"} if operations else {}  # PaddleX's own where DecodeImage is missing
    names = set()
    for operation in operations:
        for name, values in operation.items():
            names.add(name)
            if name not in _WITHOUT_EFFECT and not name.endswith("LabelEncode"):
                fields |= _read(name, values)
    _check_together(names, fields)
    return fields


def post_process(content: Mapping[str, Any]) -> Fields:
    """The fields that `PostProcess` fills; UnsupportedError for what this pipeline does not do."""
    settings = Settings("PostProcess", content.get("PostProcess"))
    fields = _classes(settings)
    name = settings.word("name", *_POST_PROCESSES)
    if name is not None:
        fields["post_process"] = _POST_PROCESSES[name]
    fields |= {
        "thresh": settings.number("thresh", float, least=0, most=1),
        "box_thresh": settings.number("box_thresh", float, least=0, most=1),
        "unclip_ratio": settings.number("unclip_ratio", float, least=0),
        "max_candidates": settings.number("max_candidates", int, least=1),
        "use_dilation": settings.truth("use_dilation", default=False),
        "score_mode": settings.word("score_mode", "fast", "slow") or "fast",
        "character_dict": settings.words("character_dict"),
        "use_space_char": settings.truth("use_space_char", default=True),
    }
    settings.word("box_type", "quad")
    settings.harmless("model_name", "key", "character_type")
    settings.close()
    return fields


def _classes(settings: Settings) -> Fields:
    topk = settings.part("Topk")
    own = settings.words("label_list")
    if topk is None:
        return {"labels": own}
    labels = topk.words("label_list") or own
    topk.harmless("topk")  # one class is asked for, whatever the evaluation listed
    topk.close()
    return {"labels": labels, "post_process": "Topk"}


def _read(name: str, values: object) -> Fields:
    if name not in _READERS:
        raise UnsupportedError(
            f"PreProcess: the operation {name} is not supported; known are {', '.join(_READERS)}"
        )
    settings = Settings(f"PreProcess: {name}", values)
    fields = _READERS[name](settings)
    settings.close()
    return fields


def _check_together(names: set[str], fields: Fields) -> None:
    """Operations that contradict each other, or make no sense alone."""
    if "NormalizeImage" in names and names & {"RecResizeImg", "ClsResizeImg"}:
        raise UnsupportedError(
            "PreProcess: NormalizeImage is not supported beside an operation that normalises by itself"
        )
    if fields.get("resize_short") and not fields.get("crop"):
        raise UnsupportedError("PreProcess: ResizeImage's resize_short is not supported without CropImage")


def _decode(settings: Settings) -> Fields:
    mode = settings.word("img_mode", "BGR", "RGB")
    to_rgb = settings.truth("to_rgb", default=True)  # PaddleClas says it this way
    settings.word("channel_first", "false", "False")
    settings.harmless("ignore_orientation")  # pages are turned by their EXIF tag before they get here
    return {"img_mode": mode or ("RGB" if to_rgb else "BGR")}


def _normalise(settings: Settings) -> Fields:
    mean = settings.numbers("mean", float, 3, least=float("-inf"))
    std = settings.numbers("std", float, 3, least=1e-9)
    scale = settings.fraction("scale")
    settings.word("channel_num", "3")
    settings.harmless("order")  # of the axes; the same numbers come out
    fields = {"mean": mean, "std": std, "scale": scale}
    return {key: value for key, value in fields.items() if value is not None}


def _detection_size(settings: Settings) -> Fields:
    fixed = settings.numbers("image_shape", int, 2, least=_STRIDE)
    if fixed is not None and any(side % _STRIDE for side in fixed):
        raise ValueError(f"DetResizeForTest: image_shape {fixed} has a side that is no multiple of {_STRIDE}")
    side = settings.number("limit_side_len", int, least=1)
    kind = settings.word("limit_type", "max", "min")
    long = settings.number("resize_long", int, least=1)
    keep = settings.truth("keep_ratio", default=False)
    if side is not None:
        kind = kind or "min"  # PaddleOCR's default for a side without a type
    elif long is not None:
        side, kind = long, kind or "max"  # as PaddleX takes it: pages are shrunk to it, never enlarged
    return {"limit_side_len": side, "limit_type": kind, "fixed_size": fixed, "keep_ratio": keep}


def _line_size(settings: Settings) -> Fields:
    shape = settings.numbers("image_shape", int, 3, least=1)
    if shape is not None and shape[0] != 3:  # noqa: PLR2004  -- blue, green and red
        raise UnsupportedError(f"PreProcess: lines of {shape[0]} channels are not supported; known are 3")
    settings.word("padding", "true", "True")
    settings.harmless("infer_mode", "eval_mode", "character_dict_path")
    return {"image_shape": shape, "mean": _HALVES, "std": _HALVES}


def _resize(settings: Settings) -> Fields:
    known = ("NEAREST", "LINEAR", "BILINEAR", "CUBIC", "BICUBIC", "AREA", "LANCZOS4")
    method = settings.word("interpolation", *known, *(name.lower() for name in known))
    settings.word("backend", "cv2")
    return {
        "resize_short": settings.number("resize_short", int, least=1),
        "resize": settings.numbers("size", int, 2, least=1),
        "interpolation": (method or "LINEAR").upper().removeprefix("BI"),
    }


def _crop(settings: Settings) -> Fields:
    sides = settings.numbers("size", int, 2, least=1) or (224, 224)
    if sides[0] != sides[1]:
        raise UnsupportedError(f"PreProcess: CropImage of {sides} is not supported; known are squares")
    settings.word("mode", "C")
    return {"crop": sides[0]}


def _classifier_line_size(settings: Settings) -> Fields:
    fields = _line_size(settings)
    _, height, width = fields["image_shape"] or (3, 48, 192)
    return {**fields, "image_shape": (3, height, width), "resize": (width, height)}


_READERS: dict[str, Callable[[Settings], Fields]] = {
    "DecodeImage": _decode,
    "NormalizeImage": _normalise,
    "DetResizeForTest": _detection_size,
    "RecResizeImg": _line_size,
    "ClsResizeImg": _classifier_line_size,
    "ResizeImage": _resize,
    "CropImage": _crop,
}
