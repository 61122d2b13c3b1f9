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
            return self.is_plain() and self._absorbs(row)
        self._columns = columns
        self.rows.append(row)
        return True

    def _with(self, row: Row) -> list[_Column] | None:
        """The columns with the cells of one more row, or None where they do not fit."""
        columns = [_Column(each.left, each.right) for each in self._columns]
        met: set[int] = set()
        for spot in row.spots:
            found = [at for at, column in enumerate(columns) if self._meets(spot, column)]
            if len(found) > 1 or met.intersection(found) or (not found and len(row.spots) == 1):
                return None
            if not found:
                columns.append(_Column(spot.left, spot.right))
            at = found[0] if found else len(columns) - 1
            met.add(at)
            columns[at].left = min(columns[at].left, spot.left)
            columns[at].right = max(columns[at].right, spot.right)
        return None if self._collide(columns) else columns

    def _absorbs(self, row: Row) -> bool:
        """Add a row though some of its cells reach into a neighbouring column."""
        across = 0
        for spot in row.spots:
            shared = [column.shared(spot) for column in self._columns]
            across += (
                sum(each > _ACROSS * column.width for each, column in zip(shared, self._columns, strict=True))
                > 1
            )
            if max(shared) < -self.unit:
                return False
        if across > len(row.spots) // _FEW_COLUMNS or len({self._place(spot) for spot in row.spots}) < _CELLS:
            return False
        self.rows.append(row)
        return True

    def trimmed(self) -> list[Row]:
        """Give back the rows at the end that have nothing but a first cell: they are what comes after."""
        kept = len(self.rows)
        while kept and self._is_loose(self.rows[kept - 1]):
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
        for at, row in enumerate(self.rows):
            texts = found.setdefault(self._home(at), [""] * len(self._columns))
            for spot in row.spots:
                rank = self._rank(spot)
                texts[rank] = joined(texts[rank], spot.line.text.strip())
        return [found[at] for at in sorted(found)]

    def _home(self, at: int) -> int:
        """The row that a row of the page is part of: itself, or the nearest one if it is lone."""
        row, whole = self.rows[at], self._whole()
        if len(row.spots) > 1 or not whole:
            return at
        nearest = min(whole, key=lambda other: abs(_middle(self.rows[other]) - _middle(row)))
        middles = [_middle(self.rows[other]) for other in whole]
        pitch = median([b - a for a, b in pairwise(middles)]) if len(middles) > 1 else 2 * self.unit
        near = abs(_middle(self.rows[nearest]) - _middle(row)) < _CLOSE * pitch
        return nearest if near else at

    def _whole(self) -> list[int]:
        """Which rows have several cells."""
        return [at for at, row in enumerate(self.rows) if len(row.spots) > 1]

    def _is_loose(self, row: Row) -> bool:
        at = len(self.rows) - 1 - self.rows[::-1].index(row)
        return len(row.spots) == 1 and self._home(at) == at and not self._rank(row.spots[0])

    def _place(self, spot: Spot) -> int:
        """The column that a cell belongs to."""
        return max(range(len(self._columns)), key=lambda at: self._columns[at].shared(spot))

    def _rank(self, spot: Spot) -> int:
        """The same, counted from where reading begins."""
        left = self._columns[self._place(spot)].left
        return sum(column.left < left for column in self._columns)

    def _meets(self, spot: Spot, column: _Column) -> bool:
        return column.shared(spot) > _SLACK * self.unit

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
