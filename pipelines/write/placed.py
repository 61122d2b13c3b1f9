"""Lines and words where the source shows them, for the formats that say where a text stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.write.lines import Line
from pipelines.write.places import Box, Corners, Places, Point, angle_of, around, boxes_of
from pipelines.write.words import Word

_UPRIGHT = 45.0  # degrees: what runs at a smaller angle stands on a slanting baseline
_DOWN = -90.0  # degrees, counter-clockwise
_BASELINE = 0.2  # of a line's height: how far the baseline stands above its lower edge, as a rule


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line on the page as its source shows it, pixels.

    Attributes:
        words: Each with its box.
    """

    line: Line
    corners: Corners
    box: Box
    words: Sequence[tuple[Word, Box]]

    @property
    def turn(self) -> float:
        """By how much its characters are turned, degrees counter-clockwise; 0 for slight slants."""
        angle = angle_of(self.corners) - (_DOWN if self.line.is_vertical else 0)
        angle = (angle + 180) % 360 - 180
        return 0.0 if abs(angle) <= _UPRIGHT else angle

    @property
    def baseline(self) -> tuple[Point, Point]:
        """Where its text rests, from where reading begins on the left: the usual share of its height."""
        a, b, c, d = self.corners
        return _between(d, a), _between(c, b)


def placed(lines: Sequence[Line], places: Places) -> Mapping[int, PlacedLine]:
    """Lines on the page as its source shows it, by their `index`."""
    words = [word for line in lines for word in line.words]
    corners = places.to_source([*(line.corners for line in lines), *(word.corners for word in words)])
    boxes = boxes_of(corners, places)
    found, at = {}, len(lines)
    for line, quad, box in zip(lines, corners[:at].tolist(), boxes, strict=False):
        behind = at + len(line.words)
        own = boxes[at:behind]
        found[line.index] = PlacedLine(
            line, quad, around([box, *own]), list(zip(line.words, own, strict=True))
        )
        at = behind
    return found


def main_language(lines: Iterable[Line]) -> str | None:
    """The language of most of the text, where anything tells it."""
    told: Counter[str] = Counter()
    for line in lines:
        if line.language:
            told[line.language] += len(line.text)
    return told.most_common(1)[0][0] if told else None


def _between(lower: Sequence[float], upper: Sequence[float]) -> Point:
    return lower[0] + _BASELINE * (upper[0] - lower[0]), lower[1] + _BASELINE * (upper[1] - lower[1])
