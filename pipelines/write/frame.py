"""Lines in a frame in which their page's text runs to the right and down, whatever it does on the page.

Columns of Chinese, Arabic's lines from right to left, and skewed scans all come out alike: `left` is where
reading begins, `top` is what is read first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from pipelines.characters import usual_width
from pipelines.write.lines import Line, Runs
from pipelines.write.places import Quad

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


@dataclass(slots=True)
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
    turned = [_turned(line.corners, runs) for line in lines]
    skew = _skew([corners for line, corners in zip(lines, turned, strict=True) if line.runs == runs])
    mirror = -1 if 2 * sum(line.is_right_to_left for line in lines) > len(lines) else 1
    return [_spot(line, corners, runs, skew, mirror) for line, corners in zip(lines, turned, strict=True)]


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


def _skew(quads: Sequence[Quad]) -> float:
    """The angle in radians at which most of the long lines run in the frame."""
    angles = []
    for a, b, _, d in quads:
        if math.dist(a, b) >= _LONG * math.dist(a, d):
            angles.append(math.atan2(b[1] - a[1], b[0] - a[0]))
    skew = median(angles) if angles else 0.0
    return skew if _LEAST_SKEW <= abs(skew) <= _MOST_SKEW else 0.0


def _spot(line: Line, corners: Quad, runs: Runs, skew: float, mirror: int) -> Spot:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    x, y = (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
    if skew:
        x, y = x * math.cos(skew) + y * math.sin(skew), y * math.cos(skew) - x * math.sin(skew)
    length, height = math.dist(corners[0], corners[1]), math.dist(corners[0], corners[3])
    if line.runs in _ACROSS[runs]:
        length, height = height, length
    x *= mirror
    margin = _MARGIN * min(length, height)
    half, across = max(length - margin, 1.0) / 2, max(height - margin, 1.0) / 2
    size = math.cbrt(2 * across) * math.cbrt(2 * half / sum(map(_EMS.__getitem__, line.text))) ** 2
    return Spot(line, x - half, y - across, x + half, y + across, size, line.runs != runs)


class _Ems(dict[str, float]):
    def __missing__(self, character: str) -> float:
        self[character] = width = usual_width(character)
        return width


_EMS = _Ems()
_ACROSS: dict[Runs, tuple[Runs, ...]] = {
    "right": ("down", "up"),
    "left": ("down", "up"),
    "down": ("right", "left"),
    "up": ("right", "left"),
}


def _turned(corners: Quad, runs: Runs) -> Quad:
    if runs == "right":
        return corners
    a, b, c, d = _TURNS[runs]
    first, second, third, fourth = ((a * x + b * y, c * x + d * y) for x, y in corners)
    return first, second, third, fourth
