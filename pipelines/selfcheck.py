"""Reading a known page before taking work: a broken driver or precision gives wrong words, not errors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import SequenceMatcher

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.errors import SelfCheckError

LINES = ("INVOICE 20417", "Total 1,385.60", "paid by bank transfer")
# The smallest models take one character in twenty of a stroke font for another; noise gives nearly none.
_LEAST_ALIKE = 0.8
_FEWEST_LETTERS = 12  # of the known page that the alphabet must hold for its words to say anything
_ROUNDING = 1e-3


def known_page() -> NDArray[np.uint8]:
    """A (256, 640, 3) page with `LINES` on it, drawn with the stroke font that is compiled into OpenCV."""
    page = np.full((256, 640, 3), 255, dtype=np.uint8)
    for row, text in enumerate(LINES):
        cv2.putText(
            page, text, (40, 70 + 70 * row), cv2.FONT_HERSHEY_DUPLEX, 1.3, (20, 20, 20), 2, cv2.LINE_AA
        )
    return page


def check_reading(
    texts: Sequence[str], *, reads_text: bool, engine: str, alphabet: Collection[str] | None = None
) -> float:
    """How much of the known page was read, from 0 to 1.

    Args:
        texts: the lines that were read, in order.
        reads_text: False for an engine that makes its words up; then only the lines are counted.
        engine: named in the error.
        alphabet: the characters the model can give; what it cannot is not expected. None for all.

    Raises:
        SelfCheckError: when too little of it is right.
    """
    wanted, got = (_letters(lines, alphabet) for lines in (LINES, texts))
    if not reads_text or len(wanted) < _FEWEST_LETTERS:
        if len(texts) == len(LINES) and (reads_text or all(texts)):
            return 1.0
        raise SelfCheckError(
            f"self-check: the {engine} engine found {len(texts)} lines on a page of {len(LINES)}"
        )
    alike = SequenceMatcher(None, wanted, got, autojunk=False).ratio()
    if alike < _LEAST_ALIKE:
        raise SelfCheckError(
            f"self-check: the {engine} engine read {' / '.join(texts)!r} "
            f"where the page says {' / '.join(LINES)!r}"
        )
    return alike


def check_numbers(scores: Iterable[float], *, engine: str) -> None:
    """What can be checked of weights nobody here knows: that their scores are probabilities.

    Raises:
        SelfCheckError: when one is not.
    """
    for score in scores:
        if not 0 <= score <= 1 + _ROUNDING:  # a NaN fails it too
            raise SelfCheckError(f"self-check: the {engine} engine gave a line the score {score}")


def _letters(lines: Sequence[str], alphabet: Collection[str] | None) -> str:
    # Small letters count as capitals, as the models mistake them; the alphabet is asked for both.
    letters = "".join(lines)
    known = letters if alphabet is None else (c for c in letters if c in alphabet)
    return "".join(character.upper() for character in known if character.isalnum())
