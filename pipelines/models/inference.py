"""`inference.yml`: what a model's own configuration says, read and, where a wheel lacks it, written.

The layout is PaddleX's: `Global.model_name`, `PreProcess.transform_ops` (a list of one-key mappings) and
`PostProcess`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from pipelines.errors import WeightsError
from pipelines.models.spec import ModelSpec, Module, Normalisation

# The C parser reads an alphabet of 18,000 entries in 0.1 s, the other in 2. BaseLoader keeps every scalar a
# string, so that a dictionary entry such as `no` or `~` stays a character.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

T = TypeVar("T", int, float)

_NORMALISE: dict[Normalisation, list[dict[str, Any]]] = {
    "imagenet": [
        {
            "NormalizeImage": {
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "scale": "1./255.",
                "order": "hwc",
            }
        }
    ],
    "half": [{"NormalizeImage": {"mean": [0.5] * 3, "std": [0.5] * 3, "scale": "1./255.", "order": "hwc"}}],
    "none": [],
}


@dataclass(frozen=True)
class InferenceConfig:
    """What `inference.yml` says; None or empty where it says nothing.

    Attributes:
        model_name: the registry's name for it.
        mean, std: of the three channels, in units of 0..1.
        image_shape: (channels, height, width) that recognition resizes to.
        resize_short, crop: a classifier's short side and centre crop, pixels.
        resize: a classifier's (width, height), pixels.
        thresh, box_thresh, unclip_ratio, max_candidates: DB post-processing.
        character_dict: the alphabet, without the blank before it and the space after it.
        labels: a classifier's classes.
    """

    model_name: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    resize_short: int | None = None
    crop: int | None = None
    resize: tuple[int, ...] | None = None
    thresh: float | None = None
    box_thresh: float | None = None
    unclip_ratio: float | None = None
    max_candidates: int | None = None
    character_dict: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def read_inference_config(path: Path) -> InferenceConfig:
    """Parse an `inference.yml`; WeightsError when it is not one."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  -- BaseLoader builds only strings, lists and mappings
        return parse_inference_config(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is not a model's inference.yml: {_first_line(error)}") from error


def parse_inference_config(content: Mapping[str, Any]) -> InferenceConfig:
    """Build the configuration from a parsed `inference.yml`; numbers may be strings."""
    if not isinstance(content, Mapping):
        raise TypeError("it holds no mapping")
    operations = _operations(content)
    after = content.get("PostProcess") or {}
    normalise = operations.get("NormalizeImage", {})
    resize = operations.get("ResizeImage", {})
    topk = after.get("Topk") or {}
    return InferenceConfig(
        model_name=(content.get("Global") or {}).get("model_name"),
        mean=_numbers(normalise.get("mean"), float),
        std=_numbers(normalise.get("std"), float),
        image_shape=_numbers(operations.get("RecResizeImg", {}).get("image_shape"), int),
        resize_short=_number(resize.get("resize_short"), int),
        crop=_number(operations.get("CropImage", {}).get("size"), int),
        resize=_numbers(resize.get("size"), int),
        thresh=_number(after.get("thresh"), float),
        box_thresh=_number(after.get("box_thresh"), float),
        unclip_ratio=_number(after.get("unclip_ratio"), float),
        max_candidates=_number(after.get("max_candidates"), int),
        character_dict=tuple(str(entry) for entry in after.get("character_dict") or ()),
        labels=tuple(str(label) for label in topk.get("label_list") or after.get("label_list") or ()),
    )


def supplied_inference(spec: ModelSpec, alphabet: Sequence[str] = ()) -> dict[str, Any]:
    """What this model's `inference.yml` would say, for weights that came without one."""
    return {
        "Global": {"model_name": spec.name},
        "PreProcess": {"transform_ops": _supplied_operations(spec)},
        "PostProcess": _supplied_post_process(spec, alphabet),
    }


def write_inference_yml(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` in upstream's layout, so that PaddleX can use the folder as a `model_dir`."""
    text = yaml.dump(content, Dumper=_DUMPER, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def _supplied_operations(spec: ModelSpec) -> list[dict[str, Any]]:
    _, height, width = spec.input_shape
    decode = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}
    if spec.module is Module.TEXT_RECOGNITION:
        return [decode, {"RecResizeImg": {"image_shape": [3, height, 320]}}]
    first: list[dict[str, Any]] = [{"ResizeImage": {"size": [width, height]}}]
    if spec.module is Module.TEXT_DETECTION:
        first = [decode, {"DetResizeForTest": None}]
    elif spec.module is Module.DOC_ORIENTATION:
        first = [{"ResizeImage": {"resize_short": 256}}, {"CropImage": {"size": width}}]
    return [*first, *_NORMALISE[spec.normalisation], {"ToCHWImage": None}]


def _supplied_post_process(spec: ModelSpec, alphabet: Sequence[str]) -> dict[str, Any]:
    if spec.detection is not None:
        d = spec.detection
        return {
            "name": "DBPostProcess",
            "thresh": d.thresh,
            "box_thresh": d.box_thresh,
            "unclip_ratio": d.unclip_ratio,
            "max_candidates": d.max_candidates,
        }
    if spec.module is Module.TEXT_RECOGNITION:
        return {"name": "CTCLabelDecode", "character_dict": list(alphabet)}
    return {"Topk": {"topk": 1, "label_list": list(spec.labels)}} if spec.labels else {}


def _operations(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The transform operations by name; one without settings (`null`) maps to nothing."""
    found: dict[str, dict[str, Any]] = {}
    for operation in (content.get("PreProcess") or {}).get("transform_ops") or ():
        for name, settings in operation.items():
            found[name] = settings if isinstance(settings, dict) else {}
    return found


def _number(value: Any, kind: type[T]) -> T | None:
    return None if value in (None, "", "null") else kind(value)


def _numbers(values: Any, kind: type[T]) -> tuple[T, ...] | None:
    return None if not values else tuple(kind(value) for value in values)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
