"""Rows of a page: lines that stand side by side and are read one after the other."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.write.frame import Spot, usual_size

_SAME_ROW = 0.5  # of the lower line's height
_WIDE = 1.5  # heights: from this distance on, two lines of a row are two things


@dataclass(slots=True, eq=False)
class Row:
    """Lines side by side, in reading order; most rows have one.

    Attributes:
        left: Where it begins.
        right: Where it ends.
        top: The upper edge.
        bottom: The lower edge.
        height: Of the highest of its lines.
        size: Of the type of most of its text, pixels.
        text: Its lines' texts with a space between.
    """

    spots: tuple[Spot, ...]
    left: float
    right: float
    top: float
    bottom: float
    height: float
    size: float
    text: str

    @classmethod
    def of(cls, spots: Sequence[Spot]) -> Row:
        """The row of these lines."""
        if len(spots) == 1:  # as most are
            (spot,) = spots
            edges = spot.left, spot.right, spot.top, spot.bottom
            return cls((spot,), *edges, spot.height, usual_size(spots), spot.line.text.strip())
        return cls(
            tuple(spots),
            left=spots[0].left,
            right=max(spot.right for spot in spots),
            top=min(spot.top for spot in spots),
            bottom=max(spot.bottom for spot in spots),
            height=max(spot.height for spot in spots),
            size=usual_size(spots),
            text=" ".join(spot.line.text.strip() for spot in spots),
        )

    @property
    def is_parted(self) -> bool:
        """Whether its lines stand so far apart that they are no sentence."""
        gaps = [b.left - a.right for a, b in pairwise(self.spots)]
        return bool(gaps) and max(gaps) > _WIDE * self.height

    @property
    def is_aside(self) -> bool:
        """Whether it runs otherwise than its page does."""
        return self.spots[0].is_aside


def rows_of(spots: Sequence[Spot]) -> list[Row]:
    """The rows of lines that come in reading order."""
    rows: list[list[Spot]] = []
    for spot in spots:
        if rows and _beside(rows[-1][-1], spot):
            rows[-1].append(spot)
        else:
            rows.append([spot])
    return [Row.of(row) for row in rows]


def _beside(before: Spot, after: Spot) -> bool:
    low = min(before.height, after.height)
    level = abs(before.middle - after.middle) < _SAME_ROW * low
    return level and after.left > before.right - low and not before.is_aside and not after.is_aside


def joined(before: str, after: str) -> str:
    """Two lines of a sentence as one: a word that was parted at the line's end is whole again.

    Where Chinese or Japanese goes on in the next line, no space comes between.
    """
    if not before or not after:
        return before + after
    last, first = before[-1], after[0]
    if last in "-\u00ad\u2010" and before[-2:-1].isalpha() and first.islower():
        return before[:-1] + after
    if is_ideographic(last) and is_ideographic(first):
        return before + after
    return f"{before} {after}"


def is_ideographic(character: str) -> bool:
    """Whether a character is written without spaces around it: ideographs, kana and their punctuation."""
    return unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"
