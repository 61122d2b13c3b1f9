"""Paragraphs, lists and tables of a page, from the places of its lines alone.

Lines that stand closely below each other, of one size, make a stack. In a stack a paragraph ends where the
next line begins further in or out than the rest, where it begins a list's item, and where a line ends so
early that the next one's first word would have had room behind it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal, TypeAlias

from pipelines.write.frame import spots_of, usual_height, usual_size
from pipelines.write.lines import Line
from pipelines.write.rows import Row, is_ideographic, joined, rows_of
from pipelines.write.tables import Grid, parted

Kind: TypeAlias = Literal["paragraph", "item", "table"]

_ITEM = re.compile(
    r"(?:[•●▪■◦‣\u2043∙◆➢➤✓·○►]\s*"  # bullets
    r"|[-\u2013\u2014*]\s+"  # dashes
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]\s+)(?=\S)"  # 1. 2) (a) iv.
)
# Lengths are in heights of the page's usual line.
_SAME_SIZE = 1.35
_LIKE = 1.1  # from one class of sizes to the next; lines of a class and its neighbours are set alike
_MORE_GAP = 0.5  # than is usual between two lines, from which a stack ends
_USUAL_GAP, _MOST_USUAL_GAP = 0.3, 2.6
_INDENT = 0.8
_FLUSH = 1.5
_SHORT = 3  # rows: a stack of no more may have no full line
_OVERLAP = 0.1  # share of the shorter line that stands below the other
_CARRIED = 0.5  # share of lines that run into the next, from which a stack is prose


@dataclass(slots=True)
class Block:
    """A paragraph, an item of a list, or a table.

    Attributes:
        rows: Top to bottom.
        breaks: Of each row, whether it begins on a line of its own, as those of an address do.
        cells: A table's, row by row.
        below: Whether it stands below the block before, in the same column.
        is_alone: Whether it is a single line with more room around it than lines of one paragraph have.
    """

    kind: Kind
    rows: list[Row]
    breaks: list[bool]
    cells: list[list[str]] = field(default_factory=list)
    below: bool = False
    is_alone: bool = False

    @property
    def lines(self) -> list[Line]:
        """Its lines in reading order."""
        return [spot.line for row in self.rows for spot in row.spots]

    @property
    def size(self) -> float:
        """Of the type of most of its text, pixels."""
        return usual_size([spot for row in self.rows for spot in row.spots])

    @property
    def left(self) -> float:
        """Where it begins."""
        return min(row.left for row in self.rows)

    @property
    def texts(self) -> list[str]:
        """Its text, parted where a line of its own begins."""
        found: list[str] = []
        for row, is_own in zip(self.rows, self.breaks, strict=True):
            if is_own or not found:
                found.append(row.text)
            else:
                found[-1] = joined(found[-1], row.text)
        return found


def blocks_of(lines: Sequence[Line]) -> list[Block]:
    """The blocks of a page, given its lines in reading order."""
    spots = spots_of(lines)
    unit = usual_height(spots)
    parts = parted(rows_of(spots), unit)
    rights = [(part.left, part.right) for part in parts if isinstance(part, Row) and not part.is_aside]
    blocks: list[Block] = []
    for part in _stacked(parts, unit):
        if isinstance(part, Grid):
            blocks.append(Block("table", part.rows, [True] * len(part.rows), part.cells()))
        else:
            blocks += _paragraphs(part, unit, rights)
            blocks[-1].is_alone = len(part) == 1
    for before, after in pairwise(blocks):
        after.below = _is_below(before.rows[-1], after.rows[0])
    return blocks


def _stacked(parts: Sequence[Row | Grid], unit: float) -> Iterator[list[Row] | Grid]:
    """Rows that belong together, and tables."""
    leading = _Leading(parts, unit)
    stack: list[Row] = []
    for part in parts:
        if isinstance(part, Row) and stack and leading.goes_on(stack[-1], part):
            stack.append(part)
            continue
        if stack:
            yield stack
        stack = [part] if isinstance(part, Row) else []
        if isinstance(part, Grid):
            yield part
    if stack:
        yield stack


class _Leading:
    """How far apart the lines of a paragraph stand on a page, by the size of their type."""

    def __init__(self, parts: Sequence[Row | Grid], unit: float) -> None:
        self._unit = unit
        self._usual: dict[int, float | None] = {}
        self._gaps: defaultdict[int, list[float]] = defaultdict(list)
        for a, b in pairwise(parts):
            if isinstance(a, Row) and isinstance(b, Row) and _is_below(a, b) and _same_size(a, b):
                gap = b.top - a.bottom
                if gap < _MOST_USUAL_GAP * unit:
                    self._gaps[self._class(b)].append(gap)

    def goes_on(self, before: Row, after: Row) -> bool:
        """Whether a row is part of the stack that the row before is in."""
        if not (_is_below(before, after) and _same_size(before, after)):
            return False
        scale = max(self._unit, min(before.height, after.height))
        usual = self._usual_gap(self._class(after))
        most = (_USUAL_GAP * scale if usual is None else usual) + _MORE_GAP * scale
        return after.top - before.bottom <= most and before.is_parted == after.is_parted

    def _usual_gap(self, size: int) -> float | None:
        if size not in self._usual:
            like = [gap for near in (size - 1, size, size + 1) for gap in self._gaps.get(near, ())]
            self._usual[size] = median(like) if len(like) > 1 else None
        return self._usual[size]

    @staticmethod
    def _class(row: Row) -> int:
        return round(math.log(row.size, _LIKE))


def _is_below(before: Row, after: Row) -> bool:
    if after.top <= (before.top + before.bottom) / 2 or before.is_aside or after.is_aside:
        return False
    width = min(before.right - before.left, after.right - after.left)
    shared = min(before.right, after.right) - max(before.left, after.left)
    return shared > _OVERLAP * width


def _same_size(before: Row, after: Row) -> bool:
    return max(before.size, after.size) <= _SAME_SIZE * min(before.size, after.size)


def _paragraphs(stack: Sequence[Row], unit: float, column: Sequence[tuple[float, float]]) -> Iterator[Block]:
    left = _flush_left(stack, unit)
    right = _right(stack, unit, column)
    short = [_ends_early(a, b, right) for a, b in pairwise(stack)]
    is_prose = len(stack) > 1 and short.count(False) >= _CARRIED * len(short) and not stack[0].is_parted
    block = _begun(stack[0])
    for (before, after), is_short in zip(pairwise(stack), short, strict=True):
        further = after.left - left
        centred = abs(after.left + after.right - before.left - before.right) < _INDENT * unit
        indented = min(abs(further), abs(after.left - before.left)) > _INDENT * unit and not centred
        in_item = block.kind == "item"
        ended = is_short and (in_item or (is_prose and len(block.rows) > 1))
        inwards = in_item and further > 0
        if _ITEM.match(after.text) or ended or (is_prose and indented and not inwards):
            yield block
            block = _begun(after)
        else:
            block.rows.append(after)
            block.breaks.append(not is_prose or is_short)
    yield block


def _begun(row: Row) -> Block:
    return Block("item" if _ITEM.match(row.text) else "paragraph", [row], [True])


def _right(stack: Sequence[Row], unit: float, column: Sequence[tuple[float, float]]) -> float:
    """Where full lines of a stack end. A short one may have none: then two that begin like it tell."""
    own = max(row.right for row in stack)
    if len(stack) > _SHORT:
        return own
    left = min(row.left for row in stack)
    ends = sorted((end for start, end in column if abs(start - left) < _FLUSH * unit), reverse=True)
    return max([own, *[a for a, b in pairwise(ends) if a - b < _FLUSH * unit][:1]])


def _flush_left(stack: Sequence[Row], unit: float) -> float:
    """Where most of the rows begin."""
    slack = _INDENT * unit / 2
    lefts = sorted(row.left for row in stack)
    return max(lefts, key=lambda at: bisect_right(lefts, at + slack) - bisect_left(lefts, at - slack))


def _ends_early(before: Row, after: Row, right: float) -> bool:
    """Whether the first word of the row after would have had room behind the row before."""
    text = after.text
    word = text[:2] if is_ideographic(text[0]) else text.split(maxsplit=1)[0]
    needed = (after.right - after.left) * len(word) / max(1, len(text)) + after.height / 2
    return right - before.right > needed
