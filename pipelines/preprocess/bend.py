"""How bent a page is, by the grid that would flatten it, and whether flattening straightens its lines."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from pipelines.preprocess.unwarper import Grid, sample
from pipelines.read.pages import BgrImage

_BLUR = 8.0  # pixels of the small page: wider than a line of text is high
_LOUDEST = 60.0  # grey levels; beyond them a picture would outweigh the text
_COLUMNS = 3  # a line that is slightly slanted is still sharp across a third of the page


def bend_of(grid: Grid, size: tuple[int, int]) -> float:
    """How far the grid is from the nearest homography: root mean square, in share of the page's diagonal.

    A flat page seen from any side has 0; what is left is curl and wrinkles, and the network's own noise.

    Args:
        grid: (2, rows, columns), x and y in -1..1.
        size: width and height of the page.
    """
    away = (grid - as_seen_flat(grid, size)) * (np.array(size, dtype=np.float32) / 2)[:, None, None]
    return float(np.sqrt((away**2).sum(axis=0).mean()) / np.hypot(*size))


def as_seen_flat(grid: Grid, size: tuple[int, int]) -> Grid:
    """The homography nearest to the grid, as a grid: the same page, were it flat."""
    _, rows, columns = grid.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    unit = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    half = np.array(size) / 2
    places = grid.reshape(2, -1).T.astype(np.float64) * half
    homography: Any = cv2.findHomography(unit, places)[0]
    if homography is None:  # all points on a line or in one place: there is no page in this grid
        return np.zeros_like(grid)
    flat = cv2.perspectiveTransform(unit, homography).reshape(rows, columns, 2) / half
    return np.ascontiguousarray(flat.transpose(2, 0, 1), dtype=np.float32)


def straightening(page: BgrImage, grid: Grid, size: tuple[int, int]) -> float:
    """How much sharper rows of text stand out once the page is unwarped: above 1 its lines are straighter.

    Both sides of the comparison show the same part of the page; only the bend is taken out of one of them.

    Args:
        page: (h, w, 3), some hundred pixels high.
        grid: what would flatten it.
        size: width and height of the page before it was shrunk.
    """
    before = _rows_stand_out(sample(page, as_seen_flat(grid, size)))
    return _rows_stand_out(sample(page, grid)) / before if before else 0.0


def _rows_stand_out(page: BgrImage) -> float:
    """The squared steps of the ink's profile from row to row, summed over a few columns."""
    grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY).astype(np.float32)
    ink = np.minimum(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), _BLUR)), _LOUDEST)
    profiles = [column.mean(axis=1) for column in np.array_split(ink, _COLUMNS, axis=1)]
    return float(sum((np.diff(profile) ** 2).sum() for profile in profiles))
