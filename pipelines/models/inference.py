"""`inference.yml`: what a model's own configuration says, read and, where a wheel lacks it, written.

The layout is PaddleX's: `Global.model_name`, `PreProcess.transform_ops` (a list of one-key mappings) and
`PostProcess`. What it says is honoured or refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from pipelines.errors import WeightsError
from pipelines.models.operations import post_process, pre_process
from pipelines.models.settings import UnsupportedError
from pipelines.models.spec import ModelSpec, Module

# The C parser reads an alphabet of 18,000 entries in 0.1 s, the other in 2. BaseLoader keeps every scalar a
# string, so that a dictionary entry such as `no` or `~` stays a character.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
# The same numbers, as detection's and as classifiers' configurations write them: PaddleX reads them so only.
_DETECTION_NORMALISE = {**_IMAGENET, "scale": "1./255.", "order": "hwc"}
_CLASSIFIER_NORMALISE = {"channel_num": 3, **_IMAGENET, "order": "", "scale": 1 / 255}


@dataclass(frozen=True)
class InferenceConfig:
    """What `inference.yml` says; None or empty where it says nothing. Sizes are pixels.

    Attributes:
        model_name: what the weights call themselves; a user's own may be in no registry.
        img_mode: the order of channels that the network wants.
        mean, std: of the three channels, in that order, in units of 0..1.
        scale: what a pixel of 0..255 is multiplied by first.
        image_shape: (channels, height, width) into which a line is scaled with its proportions kept, with
            zeros to its right: of recognition, where longer lines widen it, and of the older line classifier.
        resize_short, crop: a classifier's short side and the square cut from the centre.
        resize: (width, height) of a classifier's or the unwarper's input, whatever the proportions unless
            `image_shape` keeps them.
        interpolation: of `resize` and `resize_short`, by OpenCV's name without `INTER_`.
        limit_side_len, limit_type: how a page is scaled for detection.
        fixed_size: (height, width) at which every page enters detection; wins over the limit.
        keep_ratio: of `fixed_size` only the height counts, the width follows in multiples of 32.
        post_process: `DBPostProcess`, `CTCLabelDecode` or `Topk`.
        thresh, box_thresh, unclip_ratio, max_candidates: DB post-processing.
        use_dilation: the map's pixels above `thresh` are grown by a 2 x 2 kernel.
        score_mode: `fast` takes a region's mean inside its rectangle, `slow` inside its own outline.
        character_dict: the alphabet, without the blank before it and the space after it.
        use_space_char: whether a space comes after it.
        labels: a classifier's classes.
    """

    model_name: str | None = None
    img_mode: Literal["BGR", "RGB"] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    scale: float = 1 / 255
    image_shape: tuple[int, ...] | None = None
    resize_short: int | None = None
    crop: int | None = None
    resize: tuple[int, ...] | None = None
    interpolation: str = "LINEAR"
    limit_side_len: int | None = None
    limit_type: Literal["max", "min"] | None = None
    fixed_size: tuple[int, ...] | None = None
    keep_ratio: bool = False
    post_process: Literal["DBPostProcess", "CTCLabelDecode", "Topk"] | None = None
    thresh: float | None = None
    box_thresh: float | None = None
    unclip_ratio: float | None = None
    max_candidates: int | None = None
    use_dilation: bool = False
    score_mode: Literal["fast", "slow"] = "fast"
    character_dict: tuple[str, ...] = ()
    use_space_char: bool = True
    labels: tuple[str, ...] = ()


def read_inference_config(path: Path) -> InferenceConfig:
    """Parse an `inference.yml`; WeightsError when it is not one, or asks for what is not done here."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  -- BaseLoader builds only strings, lists and mappings
        return parse_inference_config(content)
    except UnsupportedError as error:
        raise WeightsError(f"{path}: {error}") from error
    except (OSError, ArithmeticError, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is not a model's inference.yml: {_first_line(error)}") from error


def parse_inference_config(content: Mapping[str, Any]) -> InferenceConfig:
    """Build the configuration from a parsed `inference.yml`; numbers may be strings.

    Raises:
        UnsupportedError: for an operation or a setting that this pipeline does not honour.
        ValueError, TypeError: for what is no such configuration.
    """
    if not isinstance(content, Mapping):
        raise TypeError("it holds no mapping")
    name = (content.get("Global") or {}).get("model_name")
    return InferenceConfig(model_name=name or None, **pre_process(content), **post_process(content))


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
    decode: dict[str, Any] = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}
    chw: dict[str, Any] = {"ToCHWImage": None}
    if spec.module is Module.TEXT_RECOGNITION:
        return [decode, {"RecResizeImg": {"image_shape": [3, height, 320]}}]
    if spec.module is Module.TEXT_DETECTION:
        return [decode, {"DetResizeForTest": None}, {"NormalizeImage": _DETECTION_NORMALISE}, chw]
    if spec.module is Module.DOC_UNWARPING:
        return [{"ResizeImage": {"size": [width, height]}}, chw]
    if spec.keeps_proportions:
        return [decode, {"ClsResizeImg": {"image_shape": [3, height, width]}}]
    size: list[dict[str, Any]] = [{"ResizeImage": {"size": [width, height]}}]
    if spec.module is Module.DOC_ORIENTATION:
        size = [{"ResizeImage": {"resize_short": 256}}, {"CropImage": {"size": width}}]
    return [*size, {"NormalizeImage": _CLASSIFIER_NORMALISE}, chw]


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


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
