"""The text that a PDF page carries beside what it paints, as PDFium tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float32]
"""(..., 4, 2) pixels: where a character begins, above; where it ends, above; where it ends, below; where it
begins, below. A character that lies on its side or on its head has its corners in the same order."""


@dataclass(frozen=True, eq=False)
class TextLayer:
    """The characters of one page in PDFium's order.

    That is by and large the order of the file. What runs from right to left is in reading order, and spaces
    and line ends are put in where there are gaps.

    Attributes:
        codes: (N,) uint32, Unicode; U+FFFD where the file does not say what a character is.
        quads: (N, 4, 2), see `Corners`, in pixels of the rendered page.
        fonts: (N,) int32, equal where the font is.
        painted: (N,) bool, False for text in a render mode that leaves no mark, and for what PDFium put in.
        pictures: (P, 4) float32, the boxes (left, top, right, bottom) of the pictures on the page.
    """

    codes: NDArray[np.uint32]
    quads: Corners
    fonts: NDArray[np.int32]
    painted: NDArray[np.bool_]
    pictures: NDArray[np.float32]

    def turned(self, angle: int, size: tuple[int, int]) -> TextLayer:
        """The layer of a page of that width and height after a turn by `angle` degrees counter-clockwise."""
        if not angle:
            return self
        boxes = turned_points(self.pictures.reshape(-1, 2, 2), angle, size)
        pictures = np.concatenate([boxes.min(axis=1), boxes.max(axis=1)], axis=1)
        return TextLayer(
            self.codes, turned_points(self.quads, angle, size), self.fonts, self.painted, pictures
        )


def turned_points(points: NDArray[Any], angle: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Points (..., 2) of a page of that width and height, after a turn by 90, 180 or 270 degrees ccw."""
    width, height = size
    x, y = points[..., 0], points[..., 1]
    places = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}
    return np.stack(places[angle], axis=-1).astype(np.float32)
