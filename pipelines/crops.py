"""Cutting a text line out of its page, upright."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.geometry import Quad, fit_quad

_TALL = 1.5  # from this height to width on, a line is taken to run downwards


def crop_line(image: NDArray[np.uint8], quad: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The pixels of one line, warped to an upright rectangle at the page's own resolution.

    Lines at least 1.5 times as high as wide are turned by 90 degrees counter-clockwise. The result is
    empty (size 0) when the quad is thinner than a pixel.

    Args:
        image: (H, W, 3) page.
        quad: (4, 2) corners in the page's pixels.
    """
    corners, width, height = _rectangle(quad)
    if width < 1 or height < 1:
        return np.zeros((0, 0, 3), dtype=np.uint8)
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    line = cv2.warpPerspective(
        image,
        cv2.getPerspectiveTransform(corners, upright),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    turned = np.rot90(line) if height / width >= _TALL else line
    return turned.astype(np.uint8, copy=False)


def reading_corners(quad: NDArray[np.int16], *, turned: bool = False) -> Quad:
    """The corners of the line's rectangle as its crop shows them, (4, 2) float32 pixels of the page.

    The first is where the text begins, above; the second where it ends, above.

    Args:
        quad: (4, 2) corners in the page's pixels.
        turned: whether the crop was turned by 180 degrees before it was read.
    """
    corners, width, height = _rectangle(quad)
    quarters = 1 if height >= _TALL * max(width, 1) else 0
    return np.roll(corners, -quarters - (2 if turned else 0), axis=0)


def _rectangle(quad: NDArray[np.int16]) -> tuple[Quad, int, int]:
    """The rectangle around a quad, and how many whole pixels it is wide and high."""
    corners, _ = fit_quad(quad.astype(np.int32))
    top_left, top_right, bottom_right, bottom_left = corners
    width = int(max(_distance(top_left, top_right), _distance(bottom_right, bottom_left)))
    height = int(max(_distance(top_left, bottom_left), _distance(top_right, bottom_right)))
    return corners, width, height


def _distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(a - b))
