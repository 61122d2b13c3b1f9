"""`ocr_res_img`: left the page with its lines marked, right the text, each line in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.draw.raster import set_line

_COLOURS = (  # BGR, told apart on white and on print
    (200, 120, 40),
    (60, 160, 60),
    (40, 120, 220),
    (180, 70, 160),
    (160, 150, 30),
    (70, 70, 210),
    (150, 110, 110),
    (30, 160, 190),
)
_INK = (20, 20, 20)
_DOUBTFUL_INK = (30, 30, 200)
_DOUBTFUL = 0.5
_TRANSLUCENCY = 0.4
_SHIFT = 4  # OpenCV's fixed-point coordinates: sixteenths of a pixel


def draw_ocr_result(
    image: NDArray[np.uint8],
    polys: Sequence[Any] | NDArray[Any],
    texts: Sequence[str],
    scores: Sequence[float] | None = None,
    *,
    max_megapixels: float = 12.0,
) -> Image.Image:
    """Draw a result as a picture of twice the page's width.

    Args:
        image: the page, (height, width, 3), uint8, BGR; it is not changed.
        polys: a quadrilateral per line, four (x, y), in the page's pixels.
        texts: a line of text for each.
        scores: 0..1 for each; lines below 0.5 are written in red.
        max_megapixels: a larger page is drawn smaller, its picture being twice as large again.

    Returns:
        An RGB picture.

    Raises:
        FontUnavailableError: the packages with the fonts are not installed.
        ValueError: not as many texts or scores as polygons.
    """
    if len(polys) != len(texts) or (scores is not None and len(scores) != len(texts)):
        raise ValueError(f"{len(polys)} polygons, {len(texts)} texts and their scores do not go together")
    page, scale = _fitted(image, max_megapixels)
    quads = [np.asarray(poly, dtype=np.float64).reshape(-1, 2) * scale for poly in polys]
    height, width = page.shape[:2]
    canvas = np.full((height, 2 * width, 3), 255, np.uint8)
    _mark(canvas[:, :width], page, quads)
    _write(canvas[:, width:], quads, texts, scores)
    return Image.fromarray(np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB, dst=canvas)))


def _fitted(image: NDArray[np.uint8], max_megapixels: float) -> tuple[NDArray[np.uint8], float]:
    height, width = image.shape[:2]
    scale = min(1.0, (max_megapixels * 1e6 / (width * height)) ** 0.5)
    if scale == 1.0:
        return image, scale
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale


# Both halves are drawn where they stand: copies of a large page would be what a worker's memory peaks at.
def _mark(half: NDArray[np.uint8], page: NDArray[np.uint8], quads: list[NDArray[np.float64]]) -> None:
    half[:] = page
    for number, quad in enumerate(quads):
        cv2.fillPoly(half, [_fixed(quad)], _colour(number), cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(half, _TRANSLUCENCY, page, 1 - _TRANSLUCENCY, 0, dst=half)


def _write(
    half: NDArray[np.uint8],
    quads: list[NDArray[np.float64]],
    texts: Sequence[str],
    scores: Sequence[float] | None,
) -> None:
    for number, quad in enumerate(quads):
        cv2.polylines(half, [_fixed(quad)], True, _colour(number), 1, cv2.LINE_AA, _SHIFT)
    for number, (quad, text) in enumerate(zip(quads, texts, strict=True)):
        doubtful = scores is not None and scores[number] < _DOUBTFUL
        set_line(half, quad, text, _DOUBTFUL_INK if doubtful else _INK)


def _fixed(quad: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.round(quad * (1 << _SHIFT)), dtype=np.int32)


def _colour(number: int) -> tuple[int, int, int]:
    return _COLOURS[number % len(_COLOURS)]
