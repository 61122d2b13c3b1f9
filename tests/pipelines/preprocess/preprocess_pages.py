"""Pages drawn for preprocessing, and a network that answers what it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from pipelines.config.options import PreprocessOptions, make_options
from pipelines.engines.base import Session
from pipelines.equipment import GUIDE
from pipelines.models import ModelFiles
from pipelines.read import PageImage

SHIPPED = make_options(GUIDE)
ORIENTATION_GATE = SHIPPED.preprocess.doc_orientation_thresh
UNWARPING_GATE = SHIPPED.preprocess.doc_unwarping_thresh

Loaded = Callable[[str], tuple[Session, ModelFiles]]


class Recorder:
    """A session that keeps what it is given and answers what it was told to, one answer a call."""

    streams = 1

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.batches: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.batches.append(batch)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [np.repeat(np.array([answer], dtype=np.float32), len(batch), axis=0)]


SENTENCES = (
    "The quick brown fox jumps over the lazy dog,",
    "and whoever reads this reads from left to right.",
    "Pages are put upright before their lines are found;",
    "lines that stand on their head are read as well.",
)


def text_page(width: int = 900, height: int = 1200, lines: int = 26) -> np.ndarray:
    """A white page full of dark lines of Latin text."""
    page = np.full((height, width, 3), 255, dtype=np.uint8)
    pitch = (height - 120) / lines
    for number in range(lines):
        place = (60, int(80 + number * pitch))
        text = SENTENCES[number % len(SENTENCES)]
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.85, (30, 30, 30), 2, cv2.LINE_AA)
    return page


def as_page(image: np.ndarray, origin: Any = "picture") -> PageImage:
    height, width = image.shape[:2]
    return PageImage(
        image=np.ascontiguousarray(image),
        input_path=None,
        page_index=None,
        number=1,
        width=width,
        height=height,
        dpi=None,
        rotation=0,
        media_type=None,
        origin=origin,
    )


def options(orientation: float | None = None, unwarping: float | None = None) -> PreprocessOptions:
    """Options with these gates; what has none is off."""
    return PreprocessOptions(
        use_doc_orientation_classify=orientation is not None,
        use_doc_unwarping=unwarping is not None,
        doc_orientation_thresh=orientation or 0.0,
        doc_unwarping_thresh=unwarping or 0.0,
    )
