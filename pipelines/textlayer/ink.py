"""What is to be seen on a page, as against what its text layer says is there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.read.pages import BgrImage
from pipelines.textlayer.glyphs import Glyphs

_FAINTEST = 24  # grey levels between a glyph and its ground
_EDGE = 60
_MARGIN = 0.2  # heights of a glyph
_LEAST_PICTURE = 0.8
# What may be a letter, in heights of the page's usual glyph; fewer marks than these are no text.
_LOWEST, _HIGHEST, _WIDEST = 0.35, 3.0, 4.0
_FEW = 3


def seen_words(glyphs: Glyphs, image: BgrImage) -> NDArray[np.intp]:
    """The indices of the glyphs whose word has ink where it stands, or anything that is not one colour.

    White text on white, or text that a picture of one colour hides, has none.
    """
    kept = np.zeros(len(glyphs.texts), dtype=np.bool_)
    for start, end, box in _words(glyphs, image, 0.0):
        kept[start:end] = _shows_ink(image, box)
    return np.flatnonzero(kept)


def _shows_ink(image: BgrImage, box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    patch = image[top:bottom, left:right]
    return bool(patch.size) and int((patch.max(axis=(0, 1)) - patch.min(axis=(0, 1))).max()) >= _FAINTEST


def shows_more(glyphs: Glyphs, image: BgrImage, pictures: NDArray[np.float32]) -> bool:
    """Whether the page may show text that is not in its layer.

    Args:
        glyphs: K of them, one at least.
        image: the page.
        pictures: (P, 4) boxes of the pictures on it, any of which may hold text.
    """
    line = float(np.median(glyphs.heights))
    height, width = image.shape[:2]
    boxes = np.clip(pictures, 0, np.array([width, height, width, height]))
    sides = boxes[:, 2:] - boxes[:, :2]
    return (
        bool((sides > _LEAST_PICTURE * line).all(axis=1).any()) or _other_marks(glyphs, image, line) >= _FEW
    )


def _other_marks(glyphs: Glyphs, image: BgrImage, line: float) -> int:
    """How many marks there are beside the glyphs that have the size of a letter."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    edges = (cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _EDGE).astype(np.uint8)
    for _, _, (left, top, right, bottom) in _words(glyphs, image, _MARGIN):
        edges[top:bottom, left:right] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(edges)
    widths, heights = stats[1:, cv2.CC_STAT_WIDTH] / line, stats[1:, cv2.CC_STAT_HEIGHT] / line
    return int(((heights > _LOWEST) & (heights < _HIGHEST) & (widths < _WIDEST)).sum())


def _words(
    glyphs: Glyphs, image: BgrImage, margin: float
) -> list[tuple[int, int, tuple[int, int, int, int]]]:
    """For each word its first glyph, the one after its last, and its upright box in whole pixels."""
    starts = np.flatnonzero(np.diff(glyphs.words, prepend=-1))
    if not len(starts):
        return []
    grown = margin * glyphs.heights[:, np.newaxis]
    low = np.minimum.reduceat(glyphs.quads.min(axis=1) - grown, starts)
    high = np.maximum.reduceat(glyphs.quads.max(axis=1) + grown, starts)
    edge = np.array([image.shape[1], image.shape[0]])
    low, high = (np.clip(f(side), 0, edge).astype(int) for f, side in ((np.floor, low), (np.ceil, high)))
    ends = [*starts[1:].tolist(), len(glyphs.texts)]
    boxes = np.concatenate([low, high], axis=1).tolist()
    return [(a, b, tuple(box)) for a, b, box in zip(starts.tolist(), ends, boxes, strict=True)]
