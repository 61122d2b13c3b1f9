"""From the picture that was read back to the source page.

A point is (x, y) in pixels with the origin at a picture's top left corner: the page is 0..width by 0..height,
and the pixel in column i covers i..i + 1. A quarter turn therefore maps edges onto edges exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TURNS = {0: 0, 90: 1, 180: 2, 270: 3}
_DECIMALS = 5  # of a grid's numbers in JSON: 0.005 pixels on a page of 2,000


@dataclass(frozen=True, eq=False)
class PageTransform:
    """From pixels of the image that was read back to pixels of the source page.

    Attributes:
        angle: degrees counter-clockwise by which the source was turned: 0, 90, 180 or 270.
        source_size: width and height of the source page.
        grid: (2, rows, columns) float32, where on the turned page unwarping took its pixels from: x and y,
            -1 the centre of the first pixel and 1 that of the last. Its corners lie on the centres of
            the read image's corner pixels; between them it is bilinear. None when nothing was unwarped.
    """

    angle: int
    source_size: tuple[int, int]
    grid: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.angle not in _TURNS:
            raise ValueError(f"a page is turned by 0, 90, 180 or 270 degrees, not by {self.angle}")

    @property
    def turned_size(self) -> tuple[int, int]:
        """Width and height of the turned page, which are those of the image that was read."""
        width, height = self.source_size
        return (width, height) if self.angle % 180 == 0 else (height, width)

    def to_source(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Points (..., 2) of the image that was read, on the source page; clipped to it."""
        turned = np.asarray(points, dtype=np.float32)
        if self.grid is not None:
            turned = self._unbent(turned, self.grid)
        source = self._turned_back(turned)
        return np.clip(source, 0, np.array(self.source_size, dtype=np.float32))

    def describe(self) -> dict[str, Any]:
        """Everything a reader of the JSON needs to map any point, as plain numbers."""
        grid: dict[str, Any] | None = None
        if self.grid is not None:
            x, y = (np.round(axis.astype(np.float64), _DECIMALS).tolist() for axis in self.grid)
            grid = {"rows": self.grid.shape[1], "columns": self.grid.shape[2], "x": x, "y": y}
        return {
            "angle": self.angle,
            "source_size": list(self.source_size),
            "unwarped": grid is not None,
            "grid": grid,
        }

    def _unbent(self, points: NDArray[np.float32], grid: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where on the turned page the points of the unwarped one came from."""
        last = np.maximum(np.array(self.turned_size, dtype=np.float32) - 1, 1)
        _, rows, columns = grid.shape
        # The grid lives between centres of pixels; in the half pixel beyond them, its slope goes on.
        cells = (points - 0.5) / last * np.array([columns - 1, rows - 1], dtype=np.float32)
        flat = cells.reshape(-1, 2).astype(np.float32, copy=False)
        sampled = np.stack([_bilinear(axis, flat) for axis in grid], axis=-1).reshape(points.shape)
        return ((sampled + 1) / 2 * last + 0.5).astype(np.float32, copy=False)

    def _turned_back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        width, height = self.source_size
        x, y = points[..., 0], points[..., 1]
        if self.angle == 0:
            return points
        places = {90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}
        return np.stack(places[self.angle], axis=-1)


def turn(image: NDArray[np.uint8], angle: int) -> NDArray[np.uint8]:
    """An image turned counter-clockwise by 0, 90, 180 or 270 degrees, pixel for pixel."""
    return np.ascontiguousarray(np.rot90(image, _TURNS[angle])) if angle else image


def _bilinear(values: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns) `values` at (N, 2) fractional columns and rows; beyond the edge, its slope goes on."""
    rows, columns = values.shape
    left = np.clip(np.floor(places[:, 0]).astype(np.intp), 0, columns - 2)
    top = np.clip(np.floor(places[:, 1]).astype(np.intp), 0, rows - 2)
    across, down = places[:, 0] - left, places[:, 1] - top
    upper = values[top, left] * (1 - across) + values[top, left + 1] * across
    lower = values[top + 1, left] * (1 - across) + values[top + 1, left + 1] * across
    between: NDArray[np.float32] = upper * (1 - down) + lower * down
    return between
