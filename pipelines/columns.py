"""The order in which a page is read: its columns one after the other, rows of tables and receipts whole.

A recursive X-Y cut (Nagy and Seth, "Hierarchical representation of optically scanned documents", ICPR 1984;
on boxes in place of pixels: Ha, Haralick and Phillips, ICDAR 1995) with another choice of where to cut: along
the tallest gutter first, an upright strip that no line crosses, as in Breuel, "Two geometric algorithms for
layout analysis" (DAS 2002). A heading across two columns ends their gutter, so that what is above it is read
before them and what is below after. Where no gutter is left, lines are read row by row.

Not every gutter parts columns: the gap between an item and its price belongs to a row. Columns are parted
where there is running text on both sides, lines that stand close and flush below each other. If the lines of
both sides share their rows, as the cells of a table do, they must end flush as well. A narrow strip at the
edge of the page, with lines that run downwards in it, is a margin and read last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Lines: TypeAlias = NDArray[np.intp]
"""(K,) indices of lines."""

_TALL = 1.5  # from this height to width on, a line runs downwards
_LONG = 3.0  # from this width to height on, a line tells the page's skew
_MOST_SKEW = np.radians(20)
_RUNNING = 7.0  # width to height from which a line may be running text
# Lengths below are in heights of the page's usual line.
_GUTTER = 0.4
_SHORTEST_GUTTER = 1.6
_SAME_ROW = 0.3
_FLUSH = 1.0
_FLUSH_END = 2.0
_LEADING = 2.6
_MARGIN = 3.0
# Shares from which a side is running text, and from which two sides share their rows.
_TEXT = 0.5
_ROWS = 0.75


def column_order(quads: NDArray[np.int16], *, right_to_left: bool = False) -> list[int]:
    """Indices of `quads` in the order in which a person reads them.

    Where most of the text runs downwards, its lines are read from right to left, as in Chinese and Japanese.

    Args:
        quads: (N, 4, 2) corners of the lines, pixels, first corner top left.
        right_to_left: whether rows and columns begin at the right, as Arabic's do.
    """
    if not len(quads):
        return []
    corners = quads.astype(np.float64)
    if right_to_left:
        corners = corners[:, [1, 0, 3, 2]] * [-1, 1]
    return _Page(*_levelled(corners)).ordered(np.arange(len(quads)))


def _levelled(quads: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and sizes (width, height) of the lines in a frame in which they run to the right."""
    along = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]) / 2
    down = (quads[:, 3] - quads[:, 0] + quads[:, 2] - quads[:, 1]) / 2
    centres = quads.mean(axis=1)
    sizes = np.stack([np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1)], axis=1)
    sizes = np.maximum(sizes, 1)
    tall = sizes[:, 1] >= _TALL * sizes[:, 0]
    if sizes[tall, 1].sum() > sizes[~tall, 0].sum():
        centres, along = (np.stack([v[:, 1], -v[:, 0]], axis=1) for v in (centres, down))
        sizes = sizes[:, ::-1]
    skew = _skew(along[sizes[:, 0] >= _LONG * sizes[:, 1]])
    turn = np.array([[np.cos(skew), -np.sin(skew)], [np.sin(skew), np.cos(skew)]])
    return centres @ turn, sizes


def _skew(directions: NDArray[np.float64]) -> float:
    """The angle in radians at which most of the long lines run; labels on a slant do not count."""
    angles = np.arctan2(directions[:, 1], directions[:, 0])
    angles = angles[np.abs(angles) <= _MOST_SKEW]
    return float(np.median(angles)) if len(angles) else 0.0


@dataclass(frozen=True)
class _Gutter:
    """The lines to both sides of an upright strip, and how far down both sides stand along it."""

    left: Lines
    right: Lines
    top: float
    bottom: float
    width: float


class _Page:
    """The lines' upright boxes, all (N,), less the margin that detection leaves around a line."""

    def __init__(self, centres: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
        self._line = float(np.median(sizes.min(axis=1)))
        half = np.maximum(sizes - 0.3 * sizes.min(axis=1, keepdims=True), 1) / 2
        (self._left, self._top), (self._right, self._bottom) = (centres - half).T, (centres + half).T
        # What is higher than a line belongs to the row in which it begins.
        self._y = np.where(sizes[:, 1] > 2 * self._line, self._top + self._line / 2, centres[:, 1])
        long = sizes[:, 0] >= _RUNNING * sizes[:, 1]
        flush = self._close(self._y, _LEADING) & self._close(self._left, _FLUSH) & long
        self._is_running = long & flush.any(axis=1)
        self._is_justified = long & (flush & self._close(self._right, _FLUSH_END)).any(axis=1)

    def _close(self, places: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
        """(N, N): which two different lines have places less than `limit` line heights apart."""
        close = np.abs(places[:, np.newaxis] - places) < limit * self._line
        np.fill_diagonal(close, val=False)
        return close

    def ordered(self, lines: Lines) -> list[int]:
        """The lines as they are read."""
        for gutter in self._gutters(lines):
            if self._are_columns(gutter):
                return self._parted(lines, gutter.left, gutter.right)
            for text, margin in ((gutter.left, gutter.right), (gutter.right, gutter.left)):
                if self._is_margin(margin, text):
                    return self._parted(lines, text, margin)
        return self._by_rows(lines)

    def _parted(self, lines: Lines, first: Lines, then: Lines) -> list[int]:
        along = np.concatenate([first, then])
        others = np.setdiff1d(lines, along)
        above = self._y[others] < np.median(self._y[along])
        parts = (others[above], first, then, others[~above])
        return [line for part in parts if len(part) for line in self.ordered(part)]

    def _by_rows(self, lines: Lines) -> list[int]:
        rows: list[list[int]] = []
        for line in lines[np.argsort(self._y[lines], kind="stable")]:
            if rows and self._y[line] - np.mean(self._y[rows[-1]]) < self._line / 2:
                rows[-1].append(int(line))
            else:
                rows.append([int(line)])
        return [line for row in rows for line in sorted(row, key=lambda one: self._left[one])]

    def _gutters(self, lines: Lines) -> list[_Gutter]:
        """The strips that part these lines, the tallest first."""
        step = _GUTTER * self._line
        found: dict[bytes, _Gutter] = {}
        # Every strip at its widest begins where a line ends.
        for x in np.unique(np.ceil(self._right[lines] / step)) * step:
            for stretch in self._uncrossed(lines, x):
                gutter = self._gutter(stretch, x)
                if gutter is not None:
                    found.setdefault(gutter.left.tobytes() + b"|" + gutter.right.tobytes(), gutter)
        return sorted(found.values(), key=lambda one: (one.top - one.bottom, -one.width))

    def _uncrossed(self, lines: Lines, x: float) -> list[Lines]:
        """The lines to both sides of x, parted wherever a line crosses it."""
        crosses = (self._left[lines] < x) & (self._right[lines] > x)
        rest = lines[~crosses]
        stretch = np.searchsorted(np.sort(self._y[lines[crosses]]), self._y[rest])
        return [rest[stretch == number] for number in np.unique(stretch)]

    def _gutter(self, lines: Lines, x: float) -> _Gutter | None:
        left, right = lines[self._right[lines] <= x], lines[self._left[lines] >= x]
        if not (len(left) and len(right)):
            return None
        width = self._left[right].min() - self._right[left].max()
        top = max(self._top[left].min(), self._top[right].min())
        bottom = min(self._bottom[left].max(), self._bottom[right].max())
        if bottom - top < _SHORTEST_GUTTER * self._line or width < _GUTTER * self._line:
            return None
        return _Gutter(left, right, top, bottom, width)

    def _is_margin(self, lines: Lines, text: Lines) -> bool:
        tall = self._bottom[lines] - self._top[lines] > _MARGIN * self._line
        width = self._right[lines].max() - self._left[lines].min()
        along_all = len(lines) + len(text) == len(self._y)
        return along_all and bool(tall.any()) and bool(width < _MARGIN * self._line)

    def _are_columns(self, gutter: _Gutter) -> bool:
        left, right = (
            side[(self._y[side] > gutter.top) & (self._y[side] < gutter.bottom)]
            for side in (gutter.left, gutter.right)
        )
        if min(len(left), len(right)) < 2:  # noqa: PLR2004  -- two lines make a column
            return False
        share_rows = max(self._beside(left, right), self._beside(right, left)) >= _ROWS
        is_text = self._is_justified if share_rows else self._is_running
        lengths = self._right - self._left
        return all(lengths[side] @ is_text[side] >= _TEXT * lengths[side].sum() for side in (left, right))

    def _beside(self, lines: Lines, others: Lines) -> float:
        """The share of the lines that have one of the others in their row."""
        y, rows = self._y[lines], np.concatenate([[-np.inf], np.sort(self._y[others]), [np.inf]])
        after = np.searchsorted(rows, y)
        nearest = np.minimum(rows[after] - y, y - rows[after - 1])
        return float((nearest < _SAME_ROW * self._line).mean())
