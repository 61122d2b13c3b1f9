"""From the glyphs of one line to the line as a reader would have it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipelines.crops import reading_corners
from pipelines.decoding import ReadLine
from pipelines.logical import logical_order
from pipelines.textlayer.glyphs import Glyphs

# Lengths below are in heights of the line's usual glyph.
_SAME_ROW = 0.6
_SPACE = 0.2
_LEAST_SPACE = 0.08  # PDFium puts one in between some objects that touch
_IDEOGRAPHIC_SPACE = 0.5
_SPACE_BETWEEN = " "
_HALF = 0.5

_Entry = tuple[str, int]
"""A text, and the glyph it comes from; for a space, the glyph before it."""


@dataclass(frozen=True, eq=False)
class LayerLine:
    """One line of the layer.

    Attributes:
        line: as a recogniser would give it; what the file says is held to be certain.
        turned: whether its crop shows it standing on its head.
        letters: how many letters and digits it has in each font.
    """

    line: ReadLine
    turned: bool
    letters: Counter[int]


def line_of(glyphs: Glyphs, quad: NDArray[np.int16], *, turn: bool) -> LayerLine:
    """The line that these glyphs (one at least) make in `quad`, (4, 2) pixels.

    Rows are told apart by height, words put in order along them, and what runs from right to left is put in
    reading order. Upright letters below each other are read downwards.

    Args:
        glyphs: K of them.
        quad: (4, 2) corners.
        turn: whether lines that stand on their head are told as such, and their characters' places with them.
    """
    start, end = reading_corners(quad)[:2].astype(np.float64)
    length = max(float(np.linalg.norm(end - start)), 1.0)
    axis = (end - start) / length
    frame = _Frame(glyphs)
    turned = turn and bool(frame.along @ axis < -_HALF)
    texts, sources = _entries(glyphs, frame)
    ends = (glyphs.quads - start) @ axis / length
    spans = np.clip(np.stack([ends.min(axis=1), ends.max(axis=1)], axis=1), 0, 1)
    spans = 1 - spans[:, ::-1] if turned else spans
    characters, places = _characters(texts, sources, spans)
    letters: Counter[int] = Counter()
    for text, font in zip(glyphs.texts, glyphs.fonts.tolist(), strict=True):
        letters[font] += sum(map(str.isalnum, text))
    return LayerLine(_read_line(characters, places, length), turned, letters)


class _Frame:
    """Along a line and across it: unit vectors, and where the glyphs are, in pixels."""

    def __init__(self, glyphs: Glyphs) -> None:
        quads = glyphs.quads.astype(np.float64)
        down = _unit((quads[:, 3] - quads[:, 0]).sum(axis=0), np.array([0.0, 1.0]))
        along = np.array([down[1], -down[0]])
        self.downwards = self._is_downwards(quads, along, down)
        if self.downwards:
            along, down = down, -along
        self.along = along
        ends = quads @ along
        self.low, self.high = ends.min(axis=1), ends.max(axis=1)
        self.middle = (self.low + self.high) / 2
        self.across = quads.mean(axis=1) @ down
        sides = quads @ down
        self.size = max(float(np.median(sides.max(axis=1) - sides.min(axis=1))), 1.0)

    @staticmethod
    def _is_downwards(
        quads: NDArray[np.float64], along: NDArray[np.float64], down: NDArray[np.float64]
    ) -> bool:
        centres = quads.mean(axis=1)
        height = float(np.median(np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)))
        stacked = float(np.ptp(centres @ down))
        return stacked > 0.8 * height and stacked > 2 * float(np.ptp(centres @ along))


def _unit(vector: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else otherwise


def _entries(glyphs: Glyphs, frame: _Frame) -> tuple[list[str], list[int]]:
    """The texts in reading order and the glyphs they come from; a space comes from the one before it."""
    texts: list[str] = []
    sources: list[int] = []
    for row in _rows(glyphs, frame):
        entries = _ordered(glyphs, frame, row)
        if texts and _parted(texts[-1], entries[0][0]):
            entries.insert(0, (_SPACE_BETWEEN, sources[-1]))
        texts += [text for text, _ in entries]
        sources += [at for _, at in entries]
    return texts, sources


def _rows(glyphs: Glyphs, frame: _Frame) -> list[list[NDArray[np.intp]]]:
    """The words of each row, from the upper row on, in no order: the indices of each one's glyphs."""
    cuts = np.flatnonzero(np.diff(glyphs.words)) + 1
    words = np.split(np.arange(len(glyphs.texts)), cuts)
    heights = [float(np.median(frame.across[word])) for word in words]
    rows: list[list[int]] = []
    for at in np.argsort(heights, kind="stable").tolist():
        if rows and heights[at] - np.mean([heights[other] for other in rows[-1]]) < _SAME_ROW * frame.size:
            rows[-1].append(at)
        else:
            rows.append([at])
    return [[words[at] for at in row] for row in rows]


def _ordered(glyphs: Glyphs, frame: _Frame, words: list[NDArray[np.intp]]) -> list[_Entry]:
    """The entries of one row in reading order."""
    texts = glyphs.texts
    if not any(_is_right_to_left(texts[at]) for word in words for at in word):
        words = sorted(words, key=lambda word: float(frame.low[word].min()))
        return _spaced(glyphs, frame, [int(at) for word in words for at in word])
    seen = sorted((int(at) for word in words for at in word), key=lambda at: float(frame.middle[at]))
    entries = _spaced(glyphs, frame, seen)
    order, as_read = logical_order([text for text, _ in entries])
    return [(text, entries[at][1]) for text, at in zip(as_read, order, strict=True)]


def _spaced(glyphs: Glyphs, frame: _Frame, row: list[int]) -> list[_Entry]:
    """The glyphs of a row with spaces between its words."""
    entries: list[_Entry] = []
    for before, at in pairwise([-1, *row]):
        if before >= 0 and _is_space_between(glyphs, frame, before, at):
            entries.append((_SPACE_BETWEEN, before))
        entries.append((glyphs.texts[at], at))
    return entries


def _is_space_between(glyphs: Glyphs, frame: _Frame, left: int, right: int) -> bool:
    if glyphs.words[left] == glyphs.words[right]:
        return False
    gap = float(frame.low[right] - frame.high[left]) / frame.size
    if not _parted(glyphs.texts[left], glyphs.texts[right]):
        return gap > _IDEOGRAPHIC_SPACE
    first, then = sorted((left, right))
    neighbours = glyphs.words[then] - glyphs.words[first] == 1
    return gap > (_LEAST_SPACE if neighbours and glyphs.spaced[then] else _SPACE)


def _parted(left: str, right: str) -> bool:
    """Whether the writing of either side has spaces between words."""
    return not (_is_wide(left[-1]) and _is_wide(right[0]))


@lru_cache(maxsize=4096)
def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


@lru_cache(maxsize=4096)
def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def _characters(
    texts: Sequence[str], sources: Sequence[int], spans: NDArray[np.float64]
) -> tuple[list[str], list[tuple[float, float]]]:
    """The characters, the letters of a ligature one by one, and from where to where each reaches."""
    characters: list[str] = []
    places: list[tuple[float, float]] = []
    for index, (text, at) in enumerate(zip(texts, sources, strict=True)):
        low, high = spans[at].tolist()
        if text == _SPACE_BETWEEN:
            after = spans[sources[index + 1]].tolist() if index + 1 < len(sources) else (high, high)
            low, high = (high, max(high, after[0])) if after[0] >= low else (min(low, after[1]), low)
        pieces = [text] if _is_right_to_left(text) else _letters(text)
        bounds = np.linspace(low, high, len(pieces) + 1).tolist()
        characters += pieces
        places += pairwise(bounds)
    return characters, places


def _letters(text: str) -> list[str]:
    """The characters of `text`, marks kept with the letter they belong to."""
    pieces: list[str] = []
    for character in text:
        if pieces and unicodedata.combining(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _read_line(characters: Sequence[str], places: Sequence[tuple[float, float]], length: float) -> ReadLine:
    return ReadLine(
        text="".join(characters),
        score=1.0,
        columns=tuple(int((low + high) / 2 * length) for low, high in places),
        characters=tuple(characters),
        steps=length,
        scores=(1.0,) * len(characters),
        model="",
        spans=tuple(places),
    )
