"""Which pages are unwarped. UVDoc bends flat pages and cuts off their margins, and costs more than detection.

So a page that is not flat at first sight must prove itself: its grid is bent and its lines become straighter,
the one making up for the other, and what the grid frames is lit like paper (`benchmarks/preprocessing.py` has
the figures).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.preprocess.bend import bend_of, straightening
from pipelines.preprocess.paper import paper_share, rim_share
from pipelines.preprocess.unwarper import Grid, Unwarper, sample
from pipelines.read.pages import BgrImage, Origin

_FLAT_RIM = 0.75
_PAPER = 0.6
_DIGITS = 5


@dataclass(frozen=True)
class Unwarping:
    """What was decided about one page.

    Attributes:
        applied: whether the page is unwarped.
        reason: why, in one phrase.
        bend: see `bend_of`; None where the network was not asked.
        straightening: see there; None likewise.
    """

    applied: bool
    reason: str
    bend: float | None = None
    straightening: float | None = None


class PageFlattener:
    """Decides whether a page is to be unwarped, asking the network only where it may be bent."""

    def __init__(self, unwarper: Unwarper) -> None:
        self._unwarper = unwarper

    def __call__(self, page: BgrImage, origin: Origin, thresh: float) -> tuple[Grid | None, Unwarping]:
        """The grid to sample the page through, or None to leave it as it is, and why.

        Args:
            page: (H, W, 3), upright.
            origin: how its pixels came to be.
            thresh: how bent a page must be, its bend times its straightening; at 0 every page is unwarped.
        """
        if thresh > 0 and origin == "digital":
            return None, Unwarping(False, "the page was born digital")
        small = self._unwarper.shrink(page)
        if thresh > 0 and rim_share(small) >= _FLAT_RIM:
            return None, Unwarping(False, "the paper reaches every edge, as in a flat scan")
        return self._judged(small, (page.shape[1], page.shape[0]), thresh)

    def _judged(self, small: BgrImage, size: tuple[int, int], thresh: float) -> tuple[Grid | None, Unwarping]:
        grid = self._unwarper.grid(small)
        bend, straighter = bend_of(grid, size), straightening(small, grid, size)
        measured = round(bend, _DIGITS), round(straighter, _DIGITS)
        if thresh == 0:
            return grid, Unwarping(True, "every page is unwarped", *measured)
        if bend * straighter < thresh:
            return None, Unwarping(False, "the page is flat", *measured)
        if paper_share(sample(small, grid)) < _PAPER:
            return None, Unwarping(False, "there is no sheet of paper", *measured)
        return grid, Unwarping(True, "the page is bent", *measured)
