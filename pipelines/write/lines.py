"""The lines of a page as its JSON tells of them, in the order in which they are read."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pipelines.logical import may_run_backwards
from pipelines.write.places import Corners, Quad
from pipelines.write.words import Word, words_of

Runs: TypeAlias = Literal["right", "down", "left", "up"]

# Fields of a page's JSON that it may lack, parallel to `rec_texts`.
_OPTIONAL = (
    "rec_scripts",
    "rec_languages",
    "text_source",
    "text_chars",
    "text_char_scores",
    "text_char_polys",
)
_TALL = 1.5  # from this height to width on, a line was read turned
_EAST_ASIAN = frozenset({"Hani", "Jpan", "Kore", "Bopo"})
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_RUNS: tuple[Runs, ...] = ("right", "down", "left", "up")


@dataclass(frozen=True, eq=False)
class Line:
    """A line of text.

    Attributes:
        index: Its place in `rec_texts`, and in everything parallel to that.
        text: In the order in which it is read.
        score: 0 to 1.
        corners: On the picture that was read, pixels.
        runs: Where its reader's eye goes there: upright text to the right, in every script that stands in
            rows; Chinese columns, and text on its side, down.
        script: ISO 15924; None for a line without letters.
        language: ISO 639-1; None where nothing tells it.
        is_right_to_left: Whether most of its letters belong to scripts that are written from right to left.
        from_pdf: Whether it is the PDF's own text.
        characters: The entries it was read as, joined they are `text`; empty where the JSON has none.
        character_scores: Parallel to them.
        character_corners: Parallel to them, as `corners`.
    """

    index: int
    text: str
    score: float
    corners: Quad
    runs: Runs
    script: str | None
    language: str | None
    is_right_to_left: bool
    from_pdf: bool
    characters: Sequence[str]
    character_scores: Sequence[float]
    character_corners: Sequence[Corners]

    @property
    def is_vertical(self) -> bool:
        """Whether it is a column of upright characters, rather than a line on its side."""
        return self.runs == "down" and self.script in _EAST_ASIAN

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """What stands between its spaces, in reading order."""
        return words_of(
            self.text,
            self.score,
            self.corners,
            self.characters,
            self.character_scores,
            self.character_corners,
            right_to_left=self.is_right_to_left,
        )


def texts_of(content: Mapping[str, Any]) -> list[str]:
    """The texts of a page's lines in reading order, wherever they stand."""
    texts = content["rec_texts"]
    return [texts[index] for index in content.get("reading_order") or range(len(texts))]


def lines_of(content: Mapping[str, Any]) -> tuple[Line, ...]:
    """The lines of a page's JSON in reading order; those without text are left out."""
    texts = content["rec_texts"]
    order = content.get("reading_order") or range(len(texts))
    unknown = [None] * len(texts)
    optional = [content.get(field) or unknown for field in _OPTIONAL]
    told = list(
        zip(texts, content["rec_scores"], content["rec_polys"], _turned(content), *optional, strict=False)
    )
    return tuple(_line(index, *told[index]) for index in order if texts[index].strip())


def _line(
    index: int,
    text: str,
    score: float,
    poly: Corners,
    turned: bool,
    script: str | None,
    language: str | None,
    source: str | None,
    characters: Sequence[str] | None,
    character_scores: Sequence[float] | None,
    character_corners: Sequence[Corners] | None,
) -> Line:
    corners, runs = _as_read(poly, turned=turned)
    return Line(
        index=index,
        text=text,
        score=score,
        corners=corners,
        runs=runs,
        script=script,
        language=language,
        is_right_to_left=_is_right_to_left(text),
        from_pdf=source == "pdf",
        characters=characters or (),
        character_scores=character_scores or (),
        character_corners=character_corners or (),
    )


def _is_right_to_left(text: str) -> bool:
    if not may_run_backwards(text):
        return False
    kinds = [unicodedata.bidirectional(character) for character in text]
    backwards = sum(kind in _RIGHT_TO_LEFT for kind in kinds)
    return backwards > 0 and backwards >= kinds.count("L")


def _turned(content: Mapping[str, Any]) -> list[bool]:
    """Of each line, whether it was read turned by 180 degrees.

    The JSON says it of the lines that were detected; those that were dropped for their score are passed over.
    """
    angles, kept = content.get("textline_orientation_angles") or (), content["rec_polys"]
    if len(angles) == len(kept):
        return [angle == 1 for angle in angles]
    found: list[bool] = []
    for poly, angle in zip(content.get("dt_polys") or (), angles, strict=False):
        if len(found) < len(kept) and poly == kept[len(found)]:
            found.append(angle == 1)
    return found if len(found) == len(kept) else [False] * len(kept)


def _as_read(poly: Corners, *, turned: bool) -> tuple[Quad, Runs]:
    """The corners from where the text begins, as `pipelines.crops.reading_corners` tells them."""
    a, b, c, d = ((float(x), float(y)) for x, y in poly)
    width = max(math.dist(a, b), math.dist(d, c))
    height = max(math.dist(a, d), math.dist(b, c))
    first = (1 if height >= _TALL * max(width, 1) else 0) + (2 if turned else 0)
    quad = (a, b, c, d)
    return (quad[first], quad[(first + 1) % 4], quad[(first + 2) % 4], quad[(first + 3) % 4]), _RUNS[first]
