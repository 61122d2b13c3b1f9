"""Where a page's pixels lie in the space its content is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]
"""(3, 2): what x, y and 1 count for."""

_LETTER: Final = (0.0, 0.0, 612.0, 792.0)  # what PDFium takes a page without a box for
_DEEPEST = 64  # page tree nodes above a page; more are a loop
_RECTANGLE = 4

Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The part of a page that is shown, and how.

    Attributes:
        box: In the page's own units. Their size in inches (`UserUnit`) does not matter here.
        turns: By how many quarters it is turned clockwise for showing, 0 to 3.
    """

    box: Rectangle
    turns: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as it is shown."""
        left, bottom, right, top = self.box
        width, height = right - left, top - bottom
        return (height, width) if self.turns % 2 else (width, height)

    def from_pixels(self, width: int, height: int) -> Affine:
        """From pixels of a picture of the page, of that size and with the origin above left, to its units."""
        left, bottom, right, top = self.box
        wide, high = right - left, top - bottom
        origin, along, down = (
            ((left, top), (wide, 0), (0, -high)),
            ((left, bottom), (0, high), (wide, 0)),
            ((right, bottom), (-wide, 0), (0, high)),
            ((right, top), (0, -high), (-wide, 0)),
        )[self.turns]
        scale = np.array([[1 / max(width, 1)], [1 / max(height, 1)], [1]])
        return np.asarray(np.array([along, down, origin], dtype=np.float64) * scale)


def sheet_of(page: Any) -> Sheet:
    """The sheet of a page's dictionary, worked out as PDFium does (`CPDF_Page`), which rendered it."""
    media = _box(inherited(page, "/MediaBox")) or _LETTER
    crop = _box(inherited(page, "/CropBox"))
    return Sheet(_common(media, crop) if crop else media, _turns(inherited(page, "/Rotate")))


def inherited(page: Any, name: str) -> Any:
    """An entry of a page's dictionary, or of the nearest node above it; None if there is none."""
    node = page
    for _ in range(_DEEPEST):
        if node is None or name in node:
            break
        node = node.get("/Parent")
    return None if node is None else node.get(name)


def _box(found: Any) -> Rectangle | None:
    try:
        numbers = [float(number) for number in found]
    except (TypeError, ValueError):
        return None
    if len(numbers) != _RECTANGLE:
        return None
    (left, right), (bottom, top) = sorted(numbers[::2]), sorted(numbers[1::2])
    return (left, bottom, right, top) if right > left and top > bottom else None


def _common(a: Rectangle, b: Rectangle) -> Rectangle:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _turns(rotate: Any) -> int:
    try:
        return int(float(rotate) / 90) % 4
    except (TypeError, ValueError):
        return 0
