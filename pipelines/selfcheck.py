"""Reading a known page before taking work: a broken driver or precision gives wrong words, not errors."""

from __future__ import annotations

from difflib import SequenceMatcher

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import SelfCheckError

LINES = ("INVOICE 20417", "Total 1,385.60", "paid by bank transfer")
# The smallest models take one character in twenty of a stroke font for another; noise gives nearly none.
_LEAST_ALIKE = 0.8


def known_page() -> NDArray[np.uint8]:
    """A (256, 640, 3) page with `LINES` on it, drawn with the stroke font that is compiled into OpenCV."""
    page = np.full((256, 640, 3), 255, dtype=np.uint8)
    for row, text in enumerate(LINES):
        cv2.putText(
            page, text, (40, 70 + 70 * row), cv2.FONT_HERSHEY_DUPLEX, 1.3, (20, 20, 20), 2, cv2.LINE_AA
        )
    return page


def check_reading(texts: list[str], *, reads_text: bool, engine: str) -> float:
    """How much of the known page was read, from 0 to 1.

    Args:
        texts: the lines that were read, in order.
        reads_text: False for an engine that makes its words up; then only the lines are counted.
        engine: named in the error.

    Raises:
        SelfCheckError: when too little of it is right.
    """
    if not reads_text:
        if len(texts) == len(LINES) and all(texts):
            return 1.0
        raise SelfCheckError(
            f"self-check: the {engine} engine found {len(texts)} lines on a page of {len(LINES)}"
        )
    wanted, got = (_letters(lines) for lines in (LINES, texts))
    alike = SequenceMatcher(None, wanted, got, autojunk=False).ratio()
    if alike < _LEAST_ALIKE:
        raise SelfCheckError(
            f"self-check: the {engine} engine read {' / '.join(texts)!r} "
            f"where the page says {' / '.join(LINES)!r}"
        )
    return alike


def _letters(lines: list[str] | tuple[str, ...]) -> str:
    return "".join(character for line in lines for character in line.upper() if character.isalnum())
