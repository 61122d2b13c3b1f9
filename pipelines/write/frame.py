"""Lines in a frame in which their page's text runs to the right and down, whatever it does on the page.

Columns of Chinese, Arabic's lines from right to left, and skewed scans all come out alike: `left` is where
reading begins, `top` is what is read first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from pipelines.characters import usual_width
from pipelines.write.lines import Line, Runs
from pipelines.write.places import Point

_LONG = 3.0  # from this length to height on, a line tells the page's skew
_MARGIN = 0.3  # of its height: what detection leaves around a line, both sides together
_LEAST_SKEW = math.radians(0.2)
_MOST_SKEW = math.radians(20)
# (x, y) of the page's axes in the frame, for where its text runs.
_TURNS: dict[Runs, tuple[int, int, int, int]] = {
    "right": (1, 0, 0, 1),
    "down": (0, 1, -1, 0),
    "left": (-1, 0, 0, -1),
    "up": (0, -1, 1, 0),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A line's place in the frame.

    Attributes:
        size: How large its type is, pixels: a third from its height and two from what its characters' usual
            widths tell, since heights alone are as uneven as detection.
        is_aside: Whether the line runs otherwise than its page does.
    """

    line: Line
    left: float
    top: float
    right: float
    bottom: float
    size: float
    is_aside: bool

    @property
    def height(self) -> float:
        """Of the line, across the way in which it runs."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """How far down it stands."""
        return (self.top + self.bottom) / 2


def spots_of(lines: Sequence[Line]) -> list[Spot]:
    """The places of a page's lines, in their order."""
    if not lines:
        return []
    runs = _main(lines)
    skew = _skew([line for line in lines if line.runs == runs], runs)
    mirror = -1 if 2 * sum(line.is_right_to_left for line in lines) > len(lines) else 1
    return [_spot(line, runs, skew, mirror) for line in lines]


def usual_height(spots: Iterable[Spot]) -> float:
    """The height of the lines that most of the text stands in, pixels; 1 without any."""
    return _middle((spot.height, len(spot.line.text)) for spot in spots if not spot.is_aside)


def usual_size(spots: Sequence[Spot]) -> float:
    """The size of the type of most of the text, pixels; 1 without any."""
    if len(spots) == 1:
        return max(spots[0].size, 1.0)
    return _middle((spot.size, len(spot.line.text)) for spot in spots)


def _middle(weighted: Iterable[tuple[float, int]]) -> float:
    """The weighted median, at least 1."""
    ordered = sorted(weighted)
    half, seen = sum(weight for _, weight in ordered) / 2, 0
    for value, weight in ordered:
        seen += weight
        if seen >= half:
            return max(value, 1.0)
    return 1.0


def _main(lines: Sequence[Line]) -> Runs:
    lengths: Counter[Runs] = Counter()
    for line in lines:
        lengths[line.runs] += round(math.dist(*line.corners[:2]))
    return lengths.most_common(1)[0][0]


def _skew(lines: Sequence[Line], runs: Runs) -> float:
    """The angle in radians at which most of the long lines run in the frame."""
    angles = []
    for line in lines:
        a, b, _, d = (_turned(corner, runs) for corner in line.corners)
        if math.dist(a, b) >= _LONG * math.dist(a, d):
            angles.append(math.atan2(b[1] - a[1], b[0] - a[0]))
    skew = median(angles) if angles else 0.0
    return skew if _LEAST_SKEW <= abs(skew) <= _MOST_SKEW else 0.0


def _spot(line: Line, runs: Runs, skew: float, mirror: int) -> Spot:
    corners = [_turned(corner, runs) for corner in line.corners]
    x, y = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
    if skew:
        x, y = x * math.cos(skew) + y * math.sin(skew), y * math.cos(skew) - x * math.sin(skew)
    length, height = math.dist(*corners[:2]), math.dist(corners[0], corners[3])
    if line.runs in _ACROSS[runs]:
        length, height = height, length
    x *= mirror
    margin = _MARGIN * min(length, height)
    half, across = max(length - margin, 1.0) / 2, max(height - margin, 1.0) / 2
    size = math.cbrt(2 * across) * math.cbrt(2 * half / sum(map(_ems, line.text))) ** 2
    return Spot(line, x - half, y - across, x + half, y + across, size, line.runs != runs)


@cache
def _ems(character: str) -> float:
    return usual_width(character)


_ACROSS: dict[Runs, tuple[Runs, ...]] = {
    "right": ("down", "up"),
    "left": ("down", "up"),
    "down": ("right", "left"),
    "up": ("right", "left"),
}


def _turned(point: Point, runs: Runs) -> Point:
    if runs == "right":
        return point
    a, b, c, d = _TURNS[runs]
    return a * point[0] + b * point[1], c * point[0] + d * point[1]
