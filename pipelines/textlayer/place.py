"""Which glyphs of a text layer stand in which of the page's boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.crops import crop_line, reading_corners
from pipelines.read.pages import BgrImage
from pipelines.textlayer.glyphs import Glyphs

NOWHERE = -1
_BEYOND = 0.5  # heights of a box: how far beyond its ends a glyph may stand, that has its ink on this side
_BLANK_STRETCH = 1.0  # heights of a box: what may be without a glyph before its pixels are looked at
_INK = 60  # grey levels between the darkest and the brightest pixel of a column
_INKED = 0.2  # share of columns
_BAND = (0.25, 0.75)  # of a box's height: rules and neighbouring lines keep out of it
_DOUBLED = 1.3  # widths of the glyphs over what they cover: beyond, two texts stand on each other


def places(glyphs: Glyphs, quads: NDArray[np.int16]) -> NDArray[np.intp]:
    """(K,) the box that each glyph stands in, or NOWHERE.

    A glyph that stands in none goes with its word when most of the word stands in boxes, for detection cuts
    off a comma now and then.

    Args:
        glyphs: K of them.
        quads: (N, 4, 2) corners of the boxes.
    """
    centres = glyphs.quads.mean(axis=1)
    best = np.full(len(centres), np.inf)
    box = np.full(len(centres), NOWHERE, dtype=np.intp)
    for number, quad in enumerate(quads.astype(np.float64)):
        sides = np.stack([quad[1] - quad[0], quad[3] - quad[0]])
        if abs(np.linalg.det(sides)) < 1:
            continue
        lengths = np.linalg.norm(sides, axis=1)
        off = np.abs((centres - quad[0]) @ np.linalg.inv(sides) - 0.5) * lengths
        along, across = off.T if lengths[0] >= lengths[1] else off.T[::-1]
        beyond = along - lengths.max() / 2
        # What is inside one box is not beyond the end of another.
        badness = across / lengths.min() + np.where(beyond > 0, 1 + beyond, 0)
        inside = (across <= lengths.min() / 2) & (beyond <= _BEYOND * lengths.min()) & (badness < best)
        best[inside], box[inside] = badness[inside], number
    return _with_words(box, glyphs.words)


def _with_words(box: NDArray[np.intp], words: NDArray[np.intp]) -> NDArray[np.intp]:
    lost = np.flatnonzero(box == NOWHERE)
    joined = box.copy()
    for at in lost:
        low, high = np.searchsorted(words, [words[at], words[at] + 1])
        placed = low + np.flatnonzero(box[low:high] != NOWHERE)
        if len(placed) > (high - low) / 2:
            joined[at] = box[placed[np.abs(placed - at).argmin()]]
    return joined


def explains(glyphs: Glyphs, quad: NDArray[np.int16], image: BgrImage) -> bool:
    """Whether these glyphs account for all that is to be seen in a box, and none stands on another.

    Args:
        glyphs: those in the box.
        quad: (4, 2) corners.
        image: the page.
    """
    start, end, _, below = reading_corners(quad).astype(np.float64)
    length, height = float(np.linalg.norm(end - start)), float(np.linalg.norm(below - start))
    axis = (end - start) / max(length, 1e-3)
    ends = np.sort((glyphs.quads - start) @ axis, axis=1)
    spans = np.clip(ends[:, [0, -1]], 0, length)
    spans = spans[np.argsort(spans[:, 0])]
    gaps, covered = _gaps(spans.tolist(), length)
    if float((spans[:, 1] - spans[:, 0]).sum()) > _DOUBLED * covered and not _has_rows(glyphs, axis):
        return False
    wide = [gap for gap in gaps if gap[1] - gap[0] > _BLANK_STRETCH * height]
    return not wide or not _has_ink(crop_line(image, quad), wide)


def _gaps(spans: Sequence[Sequence[float]], length: float) -> tuple[list[tuple[float, float]], float]:
    """The stretches that sorted spans leave free from 0 to `length`, and how much they cover."""
    gaps, reached, covered = [], 0.0, 0.0
    for low, high in spans:
        if low > reached:
            gaps.append((reached, low))
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return [*gaps, (reached, length)], covered


def _has_rows(glyphs: Glyphs, axis: NDArray[np.float64]) -> bool:
    across = glyphs.quads.mean(axis=1) @ np.array([-axis[1], axis[0]])
    return float(np.ptp(across)) > float(np.median(glyphs.heights)) / 2


def _has_ink(crop: NDArray[np.uint8], gaps: Sequence[tuple[float, float]]) -> bool:
    low, high = (int(share * crop.shape[0]) for share in _BAND)
    band = crop[low : max(high, low + 1)]
    inked = (band.max(axis=0).astype(int) - band.min(axis=0)).max(axis=1) > _INK
    return any(bool(inked[int(a) : int(b)].mean() > _INKED) for a, b in gaps if int(b) > int(a))
