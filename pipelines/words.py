"""Boxes of the words (and, in Chinese, of the characters) inside a line, from the steps they were read at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.decoding import ReadLine

_TALL = 1.5  # from this height to width on, the line runs downwards

Kind = Literal["ideograph", "word", "symbol"]


@dataclass(frozen=True)
class _Group:
    kind: Kind
    characters: tuple[str, ...]
    columns: tuple[float, ...]


def word_boxes(
    line: ReadLine, quad: NDArray[np.int16], *, turned: bool = False
) -> tuple[list[str], list[list[int]]]:
    """The pieces of a line and their upright boxes (left, top, right, bottom), in the page's pixels.

    A piece is a run of letters and digits, a run of anything else (spaces included), or one ideograph, as
    in upstream's `text_word`. The network only tells at which step it saw a character, so boxes are as
    good as its steps are even: a few pixels, not exact.

    Args:
        line: what was read.
        quad: (4, 2) corners of the line.
        turned: whether the line's crop was turned by 180 degrees before it was read.
    """
    left, top, right, bottom = (int(v) for v in (*quad.min(axis=0), *quad.max(axis=0)))
    downwards = (bottom - top) >= _TALL * max(1, right - left)
    start, length = (top, bottom - top) if downwards else (left, right - left)
    cell = length / max(line.steps, 1e-6)
    columns = [line.steps - 1 - column for column in line.columns] if turned else line.columns
    groups = _groups(line.characters, columns)
    pitch = _pitch(groups, cell, length / max(1, len(line.characters)))
    if line.spans is None:
        spans = [span for group in groups for span in _spans(group, cell, pitch)]
    else:
        spans = _known_spans(groups, line.spans, length, turned=turned)
    pieces, boxes = [], []
    for text, low, high in spans:
        near, far = start + round(max(0.0, low)), start + round(min(float(length), high))
        pieces.append(text)
        boxes.append([left, near, right, far] if downwards else [near, top, far, bottom])
    return pieces, boxes


def _known_spans(
    groups: Sequence[_Group], spans: Sequence[tuple[float, float]], length: int, *, turned: bool
) -> list[tuple[str, float, float]]:
    """As `_spans`, where it is known from where to where each character reaches."""
    known, at = [], 0
    for group in groups:
        texts = group.characters if group.kind == "ideograph" else ("".join(group.characters),)
        share = len(group.characters) // len(texts)
        for text in texts:
            ends = [1 - end if turned else end for span in spans[at : at + share] for end in span]
            known.append((text, min(ends) * length, max(ends) * length))
            at += share
    return known


def _groups(characters: Sequence[str], columns: Sequence[float]) -> list[_Group]:
    kinds = [_kind(characters, index) for index in range(len(characters))]
    groups = []
    for kind, run in groupby(range(len(characters)), key=lambda index: kinds[index]):
        indices = list(run)
        groups.append(_Group(kind, tuple(characters[i] for i in indices), tuple(columns[i] for i in indices)))
    return groups


def _kind(characters: Sequence[str], index: int) -> Kind:
    character = characters[index]
    if "\u4e00" <= character <= "\u9fff":
        return "ideograph"
    if _is_word(character):
        return "word"
    # A point inside a number and a hyphen after a word belong to it: 3.14, PP-OCR.
    if index and _is_word(characters[index - 1]):
        following = "".join(characters[index + 1 : index + 2])
        if character == "-" or (character == "." and following.isdecimal()):
            return "word"
    return "symbol"


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _pitch(groups: Sequence[_Group], cell: float, otherwise: float) -> float:
    """How far apart ideographs stand, in pixels: the mean over the runs that have more than one."""
    runs = [g.columns for g in groups if g.kind == "ideograph" and len(g.columns) > 1]
    distances = [abs(columns[-1] - columns[0]) * cell / (len(columns) - 1) for columns in runs]
    return sum(distances) / len(distances) if distances else otherwise


def _spans(group: _Group, cell: float, pitch: float) -> list[tuple[str, float, float]]:
    if group.kind != "ideograph":
        first, last = min(group.columns), max(group.columns)
        return [("".join(group.characters), first * cell, (last + 1) * cell)]
    centres = [(column + 0.5) * cell for column in group.columns]
    return [
        (text, centre - pitch / 2, centre + pitch / 2)
        for text, centre in zip(group.characters, centres, strict=True)
    ]
