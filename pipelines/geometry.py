"""Quadrilaterals: fitting, growing and scoring them.

A quad is a (4, 2) float32 array of corners (x, y) in pixels: top left, top right, bottom right, bottom left.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Any, TypeAlias

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

Quad: TypeAlias = NDArray[np.float32]


def fit_quad(points: NDArray[Any]) -> tuple[Quad, float]:
    """The rectangle of least area around `points` (N, 2 or N, 1, 2) and the length of its short side."""
    rectangle = cv2.minAreaRect(points)
    return order_corners(cv2.boxPoints(rectangle)), float(min(rectangle[1]))


def order_corners(corners: NDArray[Any]) -> Quad:
    """Four corners put in a quad's order: the two leftmost, then the two rightmost, each by height."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    (top_left, bottom_left), (top_right, bottom_right) = _by_height(by_x[:2]), _by_height(by_x[2:])
    return np.array([top_left, top_right, bottom_right, bottom_left], dtype=np.float32)


def _by_height(pair: NDArray[Any]) -> NDArray[Any]:
    # Equal heights swap, as upstream's comparison does: its boxes are what ours are measured against.
    return pair if pair[1][1] > pair[0][1] else pair[::-1]


def unclip(quad: Quad, ratio: float) -> NDArray[np.int64] | None:
    """The outline of `quad` moved outwards by area x ratio / perimeter, with round joins (Vatti clipping).

    DB learns shrunken text regions (Liao et al., "Real-time Scene Text Detection with Differentiable
    Binarization", AAAI 2020); this undoes the shrinking.
    Returns (N, 2) points, or None where nothing is left.
    """
    distance = cv2.contourArea(quad) * ratio / cv2.arcLength(quad, closed=True)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(quad, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    outlines = offset.Execute(distance)
    return np.array(outlines[0], dtype=np.int64) if outlines else None


def mean_inside(probabilities: NDArray[np.float32], quad: Quad) -> float:
    """The mean of a (H, W) probability map over the pixels inside `quad`."""
    height, width = probabilities.shape
    left, right = (_inside(edge, width) for edge in (floor(quad[:, 0].min()), ceil(quad[:, 0].max())))
    top, bottom = (_inside(edge, height) for edge in (floor(quad[:, 1].min()), ceil(quad[:, 1].max())))
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    local = (quad - np.array([left, top], dtype=np.float32)).astype(np.int32)
    cv2.fillPoly(mask, [local], (1,))
    return float(cv2.mean(probabilities[top : bottom + 1, left : right + 1], mask)[0])


def _inside(position: int, size: int) -> int:
    return max(0, min(position, size - 1))


def bounding_boxes(quads: NDArray[np.int16]) -> NDArray[np.int16]:
    """(N, 4) upright boxes (left, top, right, bottom) around (N, 4, 2) quads."""
    if not len(quads):
        return np.zeros((0, 4), dtype=np.int16)
    return np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
