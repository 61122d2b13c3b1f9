"""Places on a page: from the picture that was read back to the page as its source shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.transform import PageTransform

Point: TypeAlias = tuple[float, float]
Quad: TypeAlias = tuple[Point, Point, Point, Point]
"""Clockwise. Of a text, the first corner is where it begins, above; the second where it ends, above."""
Corners: TypeAlias = Sequence[Sequence[float]]
"""The same as a page's JSON has it."""
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True, eq=False)
class Places:
    """The pixels of one page, and how they belong to those of the picture that was read.

    Attributes:
        width: Of the page as its source shows it, pixels; a PDF's at `dpi`, turned as its `/Rotate` says.
        height: Likewise.
        dpi: What a PDF's page was rendered at; None for pictures.
        transform: From the picture that was read, turned and unwarped, to the page.
    """

    width: int
    height: int
    dpi: float | None
    transform: PageTransform

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> Places:
        """Those that the field `page` of a page's JSON tells of; of a page that was never opened, size 0."""
        size = (int(page.get("width") or 0), int(page.get("height") or 0))
        told = page.get("transform") or {}
        return cls(*size, page.get("dpi"), PageTransform(told.get("angle", 0), size, _grid(told.get("grid"))))

    @property
    def read_size(self) -> tuple[int, int]:
        """Width and height of the picture that was read."""
        return self.transform.turned_size

    def to_source(self, quads: Sequence[Corners]) -> NDArray[np.float64]:
        """(N, 4, 2): quads of the picture that was read, on the page."""
        corners = as_array(quads)
        if self.transform.angle == 0 and self.transform.grid is None:
            return corners
        return self.transform.to_source(corners).astype(np.float64)


def _grid(told: Mapping[str, Any] | None) -> Any:
    if told is None:
        return None
    axes = [np.array(told[axis], dtype=np.float32) for axis in ("x", "y")]
    return np.stack([axis.reshape(told["rows"], told["columns"]) for axis in axes])


def as_array(quads: Sequence[Corners]) -> NDArray[np.float64]:
    """(N, 4, 2): the same, several times as fast as numpy looks through nested sequences."""
    flat = chain.from_iterable(chain.from_iterable(quads))
    return np.fromiter(flat, np.float64).reshape(len(quads), 4, 2)


def boxes_of(corners: NDArray[np.float64], places: Places) -> list[Box]:
    """The upright boxes around quads (N, 4, 2), in whole pixels, as far as they are on the page."""
    boxes = np.concatenate([np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1))], axis=1)
    boxes = np.clip(boxes, 0, [places.width, places.height] * 2).astype(int)
    return list(zip(*boxes.T.tolist(), strict=True))


def around(boxes: Sequence[Box]) -> Box:
    """The box around boxes; there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def angle_of(quad: Corners) -> float:
    """At which angle a text runs, degrees counter-clockwise from rightwards, -180 to 180."""
    (a, b), (c, d), (e, f), (g, h) = quad
    return -math.degrees(math.atan2(d - b + f - h, c - a + e - g)) + 0.0  # no negative zero
