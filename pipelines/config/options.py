"""The options of one call: named, checked and merged with the pipeline's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pipelines.config.rules import FLAG, FRACTION, RATIO, SIDE, Rule, one_of
from pipelines.errors import ConfigError, OptionError

_DETECTION = ("SubModules", "TextDetection")
_RECOGNITION = ("SubModules", "TextRecognition")

# Option of `predict` -> the rule its value obeys and where the configuration keeps its default.
OPTIONS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "text_det_limit_side_len": (SIDE, (*_DETECTION, "limit_side_len")),
    "text_det_limit_type": (one_of("max", "min"), (*_DETECTION, "limit_type")),
    "text_det_max_side_limit": (SIDE, (*_DETECTION, "max_side_limit")),
    "text_det_thresh": (FRACTION, (*_DETECTION, "thresh")),
    "text_det_box_thresh": (FRACTION, (*_DETECTION, "box_thresh")),
    "text_det_unclip_ratio": (RATIO, (*_DETECTION, "unclip_ratio")),
    "text_rec_score_thresh": (FRACTION, (*_RECOGNITION, "score_thresh")),
    "return_word_box": (FLAG, (*_RECOGNITION, "return_word_box")),
}

# Switches whose modules this version does not load.
UNLOADED = {
    "use_doc_orientation_classify": "document orientation",
    "use_doc_unwarping": "unwarping",
    "use_textline_orientation": "line orientation",
}


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

    detection: DetectionOptions
    score_thresh: float
    return_word_box: bool

    def merged(self, given: Mapping[str, object]) -> CallOptions:
        """These options with the `given` ones (checked, None left out) on top."""
        known = {name: value for name, value in given.items() if value is not None}
        if not known:
            return self
        values = {**asdict(self.detection)}
        values |= {"score_thresh": self.score_thresh, "return_word_box": self.return_word_box}
        values |= {OPTIONS[name][1][-1]: value for name, value in known.items()}
        return make_options(values)


def make_options(values: Mapping[str, object]) -> CallOptions:
    """Options from the configuration's own keys (`limit_side_len` … `return_word_box`), all of them given."""
    numbers = dict(values)
    score, words = numbers.pop("score_thresh"), numbers.pop("return_word_box")
    detection = DetectionOptions(**numbers)  # type: ignore[arg-type]  # the rules have checked each type
    return CallOptions(detection, score, words)  # type: ignore[arg-type]  # as above


def check_options(given: Mapping[str, object]) -> dict[str, object]:
    """The options that were given (not None), each checked.

    Raises:
        OptionError: for an unknown name (naming the nearest), a wrong value, or a module that is not loaded.
    """
    checked = {}
    for name, value in given.items():
        if name in UNLOADED:
            _refuse_unloaded(name, value)
        elif name not in OPTIONS:
            raise ConfigError.unknown(name, [*OPTIONS, *UNLOADED], where="options")
        elif value is not None:
            OPTIONS[name][0].check(value, name=name)
            checked[name] = value
    return checked


def _refuse_unloaded(name: str, value: object) -> None:
    if value is None:
        return
    FLAG.check(value, name=name)
    if value:
        raise OptionError(f"{name}: the module for {UNLOADED[name]} is not loaded in this pipeline")
