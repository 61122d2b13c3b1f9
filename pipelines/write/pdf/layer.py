"""The text of a page as invisible text in a page's content: to be searched, selected and copied."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from statistics import median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.logical import displayed, may_run_backwards
from pipelines.write.lines import Line
from pipelines.write.pdf.glyphless import ASCENT, WIDTHS, Blocks, resource_name
from pipelines.write.pdf.sheet import Affine
from pipelines.write.places import Corners, Places, as_array

_WORD = re.compile(r"\S+")
# Nothing that ToUnicode may lead to (ISO 19005-2, 6.2.11.7.2), or that a reader could show.
_MEANINGLESS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BENT = 0.15  # of its height: a word that rises by more against its line has a direction of its own
_LEVEL = 0.05  # of its size: words rise by multiples of it, since a nought takes no room
_LONG = 40  # characters from which a hundredth of its length matters
_LEAST = 0.05  # points: what is smaller has no place on a page
_INVISIBLE = "3 Tr"


class _Piece(NamedTuple):
    """Characters that stand side by side, from left to right, and whether a space follows them there."""

    text: str
    corners: Corners
    spaced: bool


def layer_of(
    lines: Sequence[Line], places: Places, to_page: Affine, blocks: Blocks, prefix: str
) -> bytes | None:
    """Content that writes lines where they stand; None where there is nothing to write.

    Lines come in the order in which they are read. Scripts that run from right to left are written as they
    stand, from the left: that is how readers of PDF expect them, who turn them back.

    Args:
        lines: Those of a page.
        places: Of that page.
        to_page: From the page's pixels to its units.
        blocks: Takes note of the characters.
        prefix: Of the fonts' names.
    """
    rows = [pieces for pieces in map(_pieces, lines) if pieces]
    pieces = [piece for row in rows for piece in row]
    if not pieces:
        return None
    blocks.note("".join([piece.text for piece in pieces]))
    quads = places.transform.to_source(as_array([piece.corners for piece in pieces]))
    widths = [sum([WIDTHS[character] for character in piece.text]) for piece in pieces]
    standing = _Standing(quads @ to_page[:2] + to_page[2], list(map(len, rows)), widths)
    return "\n".join(["BT", _INVISIBLE, *_written(pieces, standing, prefix), "ET"]).encode("ascii")


def _pieces(line: Line) -> list[_Piece]:
    words = line.words
    if not may_run_backwards(line.text):
        texts = [_meant(word.text) for word in words]
        spaces = _spaces(line.text, len(words))
        found = zip(texts, words, spaces, strict=True)
        return [_Piece(text, word.corners, space) for text, word, space in found if text]
    return _from_the_left(line)


def _meant(text: str) -> str:
    return text if text.isprintable() else _MEANINGLESS.sub("", text)


def _spaces(text: str, words: int) -> list[bool]:
    """Whether a space follows each word; after a line only where its script has spaces."""
    last = text.rstrip()[-1:]
    return [*([True] * (words - 1)), bool(last) and WIDTHS[last] < 1]


def _from_the_left(line: Line) -> list[_Piece]:
    """A line with text from right to left, as it stands."""
    number = _numbered(line.text)
    shown = displayed(line.text)
    found = []
    for at, run in groupby(shown, key=lambda place: number[place[0]]):
        if at is not None and at < len(line.words):
            text = _meant("".join(character for _, character in run))
            found.append(_Piece(text, line.words[at].corners, spaced=True))
    # What is read last stands at the left: there the line ends, and needs no space.
    return [_Piece(each.text, each.corners, each is not found[-1]) for each in found if each.text]


def _numbered(text: str) -> list[int | None]:
    """Which word each character of `text` belongs to; None for spaces."""
    number: list[int | None] = [None] * len(text)
    for at, word in enumerate(_WORD.finditer(text)):
        number[word.start() : word.end()] = [at] * (word.end() - word.start())
    return number


class _Standing:
    """Where pieces stand in the page's units, all (N,) or (N, 2), one line's after the other's.

    Attributes:
        begins: Whether a piece sets a direction of its own, for itself and those of its line behind it.
        direction: Of a piece, a unit vector.
        start: Of its baseline.
        step: From the piece before to this one, along the direction and across it; most lines are level.
        size: Of the font.
        stretch: By which it is set wider than is usual.
    """

    def __init__(self, quads: NDArray[np.float64], lengths: Sequence[int], widths: Sequence[float]) -> None:
        first, row = np.cumsum([0, *lengths[:-1]]), np.repeat(np.arange(len(lengths)), lengths)
        above_start, above_end, below_end, below_start = np.moveaxis(quads, 1, 0)
        along = (above_end - above_start + below_end - below_start) / 2
        up = (above_start - below_start + above_end - below_end) / 2
        length = np.maximum(np.hypot(*along.T), _LEAST)
        height = np.maximum(np.abs(_cross(along, up)) / length, _LEAST)
        self.size = (np.add.reduceat(height, first) / lengths)[row]
        self.direction = _unit(np.add.reduceat(along, first))[row]
        leaves = np.abs(_cross(self.direction, along)) > _BENT * height
        bent = np.logical_or.reduceat(leaves, first)[row]
        self.direction[bent] = _unit(along)[bent]
        self.begins = bent
        self.begins[first] = True
        self.start = below_start + (1 - ASCENT) * (above_start - below_start)
        moved = self.start - self.start[first][row]
        rises = np.rint(_cross(self.direction, moved) / (_LEVEL * self.size)) * _LEVEL * self.size
        places = np.stack([(self.direction * moved).sum(axis=1), rises], axis=1)
        self.step = np.diff(places, axis=0, prepend=0)
        self.stretch = length / (self.size * widths)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.hypot(*vectors.T), _LEAST)[:, np.newaxis])


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _written(pieces: Sequence[_Piece], standing: _Standing, prefix: str) -> Iterator[str]:
    """Operators that set each piece where it stands, stretched to its length."""
    sizes = standing.size.tolist()
    exact = max(0, 2 - math.floor(math.log10(median(sizes))))
    number = f"%.{exact}f"
    turned, moved, risen = (
        f"%.5g %.5g %.5g %.5g {number} {number} Tm",
        f"{number} 0 Td",
        f"{number} {number} Td",
    )
    found = zip(
        pieces,
        standing.begins.tolist(),
        standing.direction.tolist(),
        standing.start.tolist(),
        standing.step.tolist(),
        sizes,
        (100 * standing.stretch).tolist(),
        strict=True,
    )
    font = (-1, 0.0)
    for piece, begins, (cos, sin), (x, y), (right, up), size, stretch in found:
        if begins:
            place = turned % (cos, sin, -sin, cos, x, y)
        else:
            place = risen % (right, up) if up else moved % right
        yield f"{place} {stretch:.1f} Tz" if len(piece.text) > _LONG else f"{place} {stretch:.0f} Tz"
        for plane, codes in _coded(f"{piece.text} " if piece.spaced else piece.text):
            if font != (plane, size):
                font = (plane, size)
                yield f"/{resource_name(plane, prefix)} {size:.{exact}f} Tf"
            yield f"<{codes}> Tj"


def _coded(text: str) -> Iterable[tuple[int, str]]:
    """The codes of `text` as hexadecimal digits, with the plane whose font they are of."""
    if text.isascii() or max(text) <= "\uffff":
        return ((0, text.encode("utf-16-be").hex()),)
    runs = groupby(text, key=lambda character: ord(character) >> 16)
    return ((plane, "".join(f"{ord(each) & 0xFFFF:04x}" for each in run)) for plane, run in runs)
