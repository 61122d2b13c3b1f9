"""The options of one call: named, checked and merged with the pipeline's defaults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipelines.config.rules import FLAG, FRACTION, RATIO, SIDE, Rule, one_of
from pipelines.errors import ConfigError

_DETECTION = ("SubModules", "TextDetection")
_LINES = ("SubModules", "TextLineOrientation")
_RECOGNITION = ("SubModules", "TextRecognition")
_PREPROCESSOR = ("SubPipelines", "DocPreprocessor")
_ORIENTATION = (*_PREPROCESSOR, "SubModules", "DocOrientationClassify")
_UNWARPING = (*_PREPROCESSOR, "SubModules", "DocUnwarping")


@dataclass(frozen=True)
class Option:
    """One option of `predict`.

    Attributes:
        rule: what its value may be.
        place: the keys that lead to its default in the configuration.
        group: the part of `CallOptions` it belongs to; empty for `CallOptions` itself.
        field: what it is called there.
    """

    rule: Rule
    place: tuple[str, ...]
    group: str
    field: str


def _option(
    rule: Rule, place: tuple[str, ...], key: str, group: str = "", field: str | None = None
) -> Option:
    return Option(rule, (*place, key), group, field or key)


OPTIONS: dict[str, Option] = {
    "use_doc_orientation_classify": _option(
        FLAG, _PREPROCESSOR, "use_doc_orientation_classify", "preprocess"
    ),
    "use_doc_unwarping": _option(FLAG, _PREPROCESSOR, "use_doc_unwarping", "preprocess"),
    "doc_orientation_thresh": _option(
        FRACTION, _ORIENTATION, "thresh", "preprocess", "doc_orientation_thresh"
    ),
    "doc_unwarping_thresh": _option(FRACTION, _UNWARPING, "thresh", "preprocess", "doc_unwarping_thresh"),
    "use_textline_orientation": _option(FLAG, (), "use_textline_orientation"),
    "textline_orientation_thresh": _option(FRACTION, _LINES, "thresh", field="textline_orientation_thresh"),
    "text_det_limit_side_len": _option(SIDE, _DETECTION, "limit_side_len", "detection"),
    "text_det_limit_type": _option(one_of("max", "min"), _DETECTION, "limit_type", "detection"),
    "text_det_max_side_limit": _option(SIDE, _DETECTION, "max_side_limit", "detection"),
    "text_det_thresh": _option(FRACTION, _DETECTION, "thresh", "detection"),
    "text_det_box_thresh": _option(FRACTION, _DETECTION, "box_thresh", "detection"),
    "text_det_unclip_ratio": _option(RATIO, _DETECTION, "unclip_ratio", "detection"),
    "text_rec_score_thresh": _option(FRACTION, _RECOGNITION, "score_thresh"),
    "return_word_box": _option(FLAG, _RECOGNITION, "return_word_box"),
    "text_layer": _option(one_of("ignore", "verify", "trust"), _RECOGNITION, "text_layer"),
}


@dataclass(frozen=True)
class PreprocessOptions:
    """What is done to a page before detection.

    `doc_orientation_thresh` is how sure the classifier must be before a page is turned, and
    `doc_unwarping_thresh` how bent a page must be before it is flattened (see `pipelines.preprocess`); at 0
    every page is turned as classified, and every page unwarped.
    """

    use_doc_orientation_classify: bool
    use_doc_unwarping: bool
    doc_orientation_thresh: float
    doc_unwarping_thresh: float


@dataclass(frozen=True)
class DetectionOptions:
    """The numbers detection works with; the fields are the keys of a result's `text_det_params`.

    `limit_side_len` and `max_side_limit` are pixels; `thresh` and `box_thresh` are probabilities.
    """

    limit_side_len: int
    limit_type: str
    thresh: float
    max_side_limit: int
    box_thresh: float
    unclip_ratio: float


@dataclass(frozen=True)
class CallOptions:
    """Everything one call of `predict` runs with. Frozen: no call can change another's."""

    preprocess: PreprocessOptions
    detection: DetectionOptions
    use_textline_orientation: bool
    textline_orientation_thresh: float
    score_thresh: float
    return_word_box: bool
    text_layer: str

    def merged(self, given: Mapping[str, object]) -> CallOptions:
        """These options with the `given` ones (checked, None left out) on top."""
        groups = grouped({name: value for name, value in given.items() if value is not None})
        return replace(
            self,
            preprocess=replace(self.preprocess, **groups["preprocess"]),
            detection=replace(self.detection, **groups["detection"]),
            **groups[""],
        )


def make_options(values: Mapping[str, object]) -> CallOptions:
    """Options from a value for every name in `OPTIONS`."""
    groups = grouped(values)
    return CallOptions(
        preprocess=PreprocessOptions(**groups["preprocess"]),
        detection=DetectionOptions(**groups["detection"]),
        **groups[""],
    )


def grouped(values: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    """The values by group and field."""
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in values.items():
        groups[OPTIONS[name].group][OPTIONS[name].field] = value
    return groups


def check_options(given: Mapping[str, object]) -> dict[str, object]:
    """The options that were given (not None), each checked.

    Raises:
        OptionError: for an unknown name (naming the nearest) or a wrong value.
    """
    checked = {}
    for name, value in given.items():
        if name not in OPTIONS:
            raise ConfigError.unknown(name, OPTIONS, where="options")
        if value is not None:
            OPTIONS[name].rule.check(value, name=name)
            checked[name] = value
    return checked
