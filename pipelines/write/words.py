"""The words of a line and where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.characters import usual_width
from pipelines.logical import may_run_backwards, visual_order
from pipelines.write.places import Corners, Point, Quad

_WORD = re.compile(r"\S+")


class Word(NamedTuple):
    """A word.

    Attributes:
        text: Without spaces.
        score: 0 to 1; the line's where the JSON has none for characters.
        corners: As those of its line: the first is where the line's reading begins, above.
    """

    text: str
    score: float
    corners: Corners


def words_of(
    text: str,
    score: float,
    corners: Quad,
    characters: Sequence[str],
    scores: Sequence[float],
    quads: Sequence[Corners],
    *,
    right_to_left: bool,
) -> tuple[Word, ...]:
    """Part a line at its spaces. Where its characters are not known, they are shared out by usual widths."""
    known = len(quads) == len(characters) > 0 and "".join(characters) == text
    if not known:
        spans = _usual_spans(text, right_to_left=right_to_left)
        return tuple(
            Word(match.group(), score, _between(corners, _union(spans[match.start() : match.end()])))
            for match in _WORD.finditer(text)
        )
    # As long as the text, entries stand for its characters one by one; else some have several, but no space.
    plain = text if len(characters) == len(text) else "".join(entry[0] for entry in characters)
    # Most words stand as they are read, in lines from right to left too.
    backwards = may_run_backwards(text)
    words, last = [], 0
    for found in plain.split():
        first = plain.index(found, last)
        last = first + len(found)
        word = found if plain is text else "".join(characters[first:last])
        begin, end = quads[first], quads[last - 1]
        if backwards and may_run_backwards(word):
            begin, end = _ends(corners, quads[first:last])
        own = scores[first:last]
        mean = sum(own) / len(own) if own else score
        words.append(Word(word, mean, (begin[0], end[1], end[2], begin[3])))
    return tuple(words)


def _ends(line: Quad, quads: Sequence[Corners]) -> tuple[Corners, Corners]:
    """Which of `quads` begins first along the line, and which begins last."""
    (ax, ay), (bx, by) = line[0], line[1]
    along, down = bx - ax, by - ay

    def place(quad: Corners) -> float:
        return quad[0][0] * along + quad[0][1] * down

    return min(quads, key=place), max(quads, key=place)


def _usual_spans(text: str, *, right_to_left: bool) -> list[tuple[float, float]]:
    """Where each character begins and ends, 0 at the line's start and 1 at its end, by usual widths."""
    widths = [usual_width(character) for character in text]
    whole = sum(widths)
    spans = [(0.0, 0.0)] * len(text)
    at = 0.0
    for index in visual_order(text) if right_to_left or not text.isascii() else range(len(text)):
        spans[index] = at / whole, (at + widths[index]) / whole
        at += widths[index]
    return spans


def _union(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(start for start, _ in spans), max(end for _, end in spans)


def _between(quad: Quad, span: tuple[float, float]) -> Quad:
    """The part of a quad from one share of its length to another."""
    a, b, c, d = quad
    first, last = span
    return _on(a, b, first), _on(a, b, last), _on(d, c, last), _on(d, c, first)


def _on(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
