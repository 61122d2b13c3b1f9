"""Tables, where the places of the texts make them plain: rows whose cells stand below each other.

Rows are taken one by one. A row belongs to the table above it while every cell of it falls into one column,
found or new, and no column into two. So text that runs across ends a table, and a heading across two columns
is not part of one. Once there is a table beyond doubt, a row that fits less well no longer ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from pipelines.write.frame import Spot
from pipelines.write.rows import Row, joined

# Lengths are in heights of the page's usual line.
_SLACK = 0.2  # by which cells of two columns may overlap
_LEAST_GUTTER = 0.2
_MOST_GAP = 2.2  # between two rows
_FILLED = 0.55  # share of cells that have a text, from which a grid is a table
_FEW_ROWS, _FEW_COLUMNS = 3, 3  # a table has so many rows, or a row less and so many columns
_CLOSE = 0.75  # of the distance between two rows, within which a lone line is part of one
_CELLS = 2  # fewer are no row of a table
_SENTENCE = 45  # characters: columns of longer cells are running text
_GOING_ON = 2  # lines of a column that begin with a small letter, from which it is running text
_ACROSS = 0.5  # share of a column that a cell which belongs to another may cover


@dataclass(slots=True)
class _Column:
    left: float
    right: float

    @property
    def width(self) -> float:
        """How wide it is, pixels."""
        return self.right - self.left

    def shared(self, spot: Spot) -> float:
        """How much of the column a cell covers, pixels; below 0 for one that is apart from it."""
        return min(self.right, spot.right) - max(self.left, spot.left)


@dataclass(slots=True)
class Grid:
    """A table that is being found.

    Attributes:
        unit: The height of the page's usual line, pixels.
        rows: The rows of the page it is made of.
    """

    unit: float
    rows: list[Row] = field(default_factory=list)
    _columns: list[_Column] = field(default_factory=list)

    def takes(self, row: Row) -> bool:
        """Add a row, unless it does not belong: then nothing has changed."""
        if row.is_aside or (self.rows and row.top - self.rows[-1].bottom > _MOST_GAP * self.unit):
            return False
        if not self.rows and len(row.spots) == 1:
            return False
        columns = self._with(row)
        if columns is None:
            if not (self.rows and self._reaches(row) and self.is_plain()):
                return False
            columns = self._columns
        self._columns = columns
        self.rows.append(row)
        return True

    def _with(self, row: Row) -> list[_Column] | None:
        """The columns with the cells of one more row, or None where they do not fit."""
        columns = [_Column(each.left, each.right) for each in self._columns]
        met: set[int] = set()
        slack = _SLACK * self.unit
        for spot in row.spots:
            found = [at for at, column in enumerate(columns) if column.shared(spot) > slack]
            if len(found) > 1 or met.intersection(found) or (not found and len(row.spots) == 1):
                return None
            if not found:
                columns.append(_Column(spot.left, spot.right))
            at = found[0] if found else len(columns) - 1
            met.add(at)
            columns[at].left = min(columns[at].left, spot.left)
            columns[at].right = max(columns[at].right, spot.right)
        return None if self._collide(columns) else columns

    def _reaches(self, row: Row) -> bool:
        """Whether a row fits but for a few cells that reach into a neighbouring column."""
        across, places = 0, set()
        for spot in row.spots:
            shared = [column.shared(spot) for column in self._columns]
            most = max(shared)
            if most < -self.unit:
                return False
            places.add(shared.index(most))
            covered = [
                each > _ACROSS * column.width for each, column in zip(shared, self._columns, strict=True)
            ]
            across += sum(covered) > 1
        return across <= len(row.spots) // _FEW_COLUMNS and len(places) >= _CELLS

    def trimmed(self) -> list[Row]:
        """Give back the rows at the end that have nothing but a first cell: they are what comes after."""
        homes, ranks = self._homes(), self._ranks()
        kept = len(self.rows)
        while kept and homes[kept - 1] == kept - 1 and self._is_first(self.rows[kept - 1], ranks):
            kept -= 1
        rest, self.rows = self.rows[kept:], self.rows[:kept]
        return rest

    def is_plain(self) -> bool:
        """Whether it is a table beyond doubt."""
        parted = [row for row in self.rows if len(row.spots) > 1]
        columns = len(self._columns)
        if columns < _CELLS or len(parted) < _FEW_ROWS - (columns >= _FEW_COLUMNS):
            return False
        cells = self.cells()
        filled = sum(bool(cell) for row in cells for cell in row)
        return filled >= _FILLED * columns * len(cells) and not self._is_running(cells)

    def cells(self) -> list[list[str]]:
        """The texts, row by row; a lone line close to a row is part of the cell above or below it."""
        found: dict[int, list[str]] = {}
        ranks = self._ranks()
        for row, home in zip(self.rows, self._homes(), strict=True):
            texts = found.setdefault(home, [""] * len(self._columns))
            for spot in row.spots:
                rank = ranks[self._place(spot)]
                texts[rank] = joined(texts[rank], spot.line.text.strip())
        return [found[at] for at in sorted(found)]

    def _homes(self) -> list[int]:
        """Of each row of the page the one that it is part of: itself, or the nearest one if it is lone."""
        whole = {at: _middle(row) for at, row in enumerate(self.rows) if len(row.spots) > 1}
        pitches = [b - a for a, b in pairwise(whole.values())]
        reach = _CLOSE * (median(pitches) if pitches else 2 * self.unit)

        def home(at: int) -> int:
            middle = _middle(self.rows[at])
            away, nearest = min((abs(other - middle), row) for row, other in whole.items())
            return nearest if away < reach else at

        return [at if at in whole or not whole else home(at) for at in range(len(self.rows))]

    def _is_first(self, row: Row, ranks: Sequence[int]) -> bool:
        """Whether a row is a lone cell of the column where reading begins."""
        return len(row.spots) == 1 and not ranks[self._place(row.spots[0])]

    def _place(self, spot: Spot) -> int:
        """The column that a cell belongs to."""
        shared = [column.shared(spot) for column in self._columns]
        return shared.index(max(shared))

    def _ranks(self) -> list[int]:
        """Of each column the place from where reading begins."""
        lefts = sorted(column.left for column in self._columns)
        return [lefts.index(column.left) for column in self._columns]

    def _collide(self, columns: Sequence[_Column]) -> bool:
        """Whether columns have come too close to each other."""
        placed = sorted((column.left, column.right) for column in columns)
        least = _LEAST_GUTTER * self.unit
        return any(b[0] - a[1] < least for a, b in pairwise(placed))

    @staticmethod
    def _is_running(cells: Sequence[Sequence[str]]) -> bool:
        """Whether all columns but one hold sentences, or one holds lines of a sentence that goes on."""
        columns = list(zip(*cells, strict=True))
        long = [sum(map(len, column)) > _SENTENCE * sum(map(bool, column)) for column in columns]
        if sum(long) > 1 and sum(long) >= len(long) - 1:
            return True
        return any(_goes_on(column) for column in columns)


def _goes_on(column: Sequence[str]) -> bool:
    """Whether long texts below each other are lines of one: many a line begins with a small letter."""
    lines = [text for text in column if len(text) > _SENTENCE // 2]
    small = sum(text[0].islower() for text in lines[1:])
    return small >= _GOING_ON and 2 * small >= len(lines) - 1


def _middle(row: Row) -> float:
    return (row.top + row.bottom) / 2


def parted(rows: Sequence[Row], unit: float) -> list[Row | Grid]:
    """The rows of a page, those of plain tables together."""
    found: list[Row | Grid] = []
    grid = Grid(unit)
    waiting = list(reversed(rows))
    while waiting or grid.rows:
        if waiting and grid.takes(waiting[-1]):
            waiting.pop()
        elif not grid.rows:
            found.append(waiting.pop())
        elif grid.is_plain():
            waiting += reversed(grid.trimmed())
            found.append(grid)
            grid = Grid(unit)
        else:  # it may be one without its first row
            first, *rest = grid.rows
            found.append(first)
            waiting += reversed(rest)
            grid = Grid(unit)
    return found
