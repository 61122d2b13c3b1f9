"""Which words of a text layer make a line, where none was detected: those that stand close on one base."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.geometry import order_corners
from pipelines.textlayer.glyphs import Glyphs

_DIRECTIONS = 72  # of a full turn: words whose directions differ less run the same way
# Lengths below are in heights of the smaller of two words.
_GAP = 1.0
_OVERLAP = 0.5
_LAPPED = 0.5
_MARGIN = 0.1  # heights of the line


def lines_among(glyphs: Glyphs, size: tuple[int, int]) -> tuple[NDArray[np.int16], list[NDArray[np.intp]]]:
    """(N, 4, 2) corners of the lines and, for each, the indices of its glyphs.

    Args:
        glyphs: K of them.
        size: width and height of the page, pixels.
    """
    if not glyphs.texts:
        return np.zeros((0, 4, 2), dtype=np.int16), []
    starts = np.flatnonzero(np.diff(glyphs.words, prepend=-1))
    angles = _directions(glyphs, starts)
    word_of = np.searchsorted(starts, np.arange(len(glyphs.texts)), side="right") - 1
    quads, members = [], []
    for angle in np.unique(angles):
        words = np.flatnonzero(angles == angle)
        turn = _rotation(float(angle))
        low, high = (
            extreme.reduceat(side, starts)[words]
            for extreme, side in (
                (np.minimum, (glyphs.quads @ turn).min(axis=1)),
                (np.maximum, (glyphs.quads @ turn).max(axis=1)),
            )
        )
        for line in _joined(low, high):
            quads.append(_quad(low[line].min(axis=0), high[line].max(axis=0), turn, size))
            members.append(np.flatnonzero(np.isin(word_of, words[line])))
    return np.array(quads, dtype=np.int16), members


def _directions(glyphs: Glyphs, starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """(W,) radians, whole steps of a full turn, clockwise as pixels go: where each word runs to."""
    step = 2 * np.pi / _DIRECTIONS
    down = np.add.reduceat(glyphs.quads[:, 3] - glyphs.quads[:, 0], starts)
    angles = np.arctan2(-down[:, 0], down[:, 1])
    counts = np.diff(np.append(starts, len(glyphs.texts)))
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).repeat(counts, axis=0)
    centres = glyphs.quads.mean(axis=1)
    along = (centres * unit).sum(axis=1)
    across = centres[:, 1] * unit[:, 0] - centres[:, 0] * unit[:, 1]
    long, tall = (
        np.maximum.reduceat(side, starts) - np.minimum.reduceat(side, starts) for side in (along, across)
    )
    stacked = (tall > _LAPPED * np.hypot(*down.T) / counts) & (tall > 2 * long)
    angles = np.where(stacked, angles + np.pi / 2, angles)
    return np.asarray(np.rint(angles / step) % _DIRECTIONS * step)


def _rotation(angle: float) -> NDArray[np.float64]:
    """Points times this are along and across a line that runs at this angle."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _joined(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The words, (W, 2) corners along and across, by lines: each has another of its line close beside it."""
    heights = np.maximum(high[:, 1] - low[:, 1], 1e-3)
    smaller = np.minimum(heights[:, np.newaxis], heights)
    overlap = np.minimum(high[:, np.newaxis, 1], high[:, 1]) - np.maximum(low[:, np.newaxis, 1], low[:, 1])
    gap = np.maximum(low[:, np.newaxis, 0], low[:, 0]) - np.minimum(high[:, np.newaxis, 0], high[:, 0])
    beside = (overlap > _OVERLAP * smaller) & (gap < _GAP * smaller)
    labels = np.arange(len(heights))
    while True:  # labels spread to neighbours until they rest
        spread = np.where(beside, labels, len(heights)).min(axis=1)
        if (spread == labels).all():
            return [np.flatnonzero(labels == label) for label in np.unique(labels)]
        labels = spread


def _quad(
    low: NDArray[np.float64], high: NDArray[np.float64], turn: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    margin = _MARGIN * (high[1] - low[1])
    (left, top), (right, bottom) = low - margin, high + margin
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ turn.T
    return np.clip(np.rint(order_corners(corners)), 0, np.array(size))
