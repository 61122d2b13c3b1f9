"""A line of text in the order in which it is seen: runs of one direction and one font.

Directions come from the Unicode bidirectional algorithm (UAX #9, by python-bidi), the order of runs from its
rule L2. HarfBuzz itself turns and mirrors what is inside a run.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby

from bidi import algorithm as uax9

from pipelines.draw.fonts import TextFont, font_for

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})


@dataclass(frozen=True)
class Run:
    """Characters in logical order that share a direction and a font."""

    text: str
    font: TextFont
    right_to_left: bool


def visual_runs(text: str) -> list[Run]:
    """The runs of a line from left to right."""
    levels = _levels(text)
    kana = any("\u3040" <= c <= "\u30ff" for c in text)
    hangul = any("\uac00" <= c <= "\ud7a3" or "\u1100" <= c <= "\u11ff" for c in text)
    fonts = _fonts(text, kana=kana, hangul=hangul)
    pieces = []
    for (level, font), group in groupby(range(len(text)), key=lambda at: (levels[at], fonts[at])):
        indices = list(group)
        pieces.append((level, Run(text[indices[0] : indices[-1] + 1], font, level % 2 == 1)))
    return _reordered(pieces)


def is_right_to_left(text: str) -> bool:
    """Whether the line as a whole reads from right to left: its first strong character does."""
    return bool(uax9.get_base_level(text)) if text else False


def _levels(text: str) -> list[int]:
    """The embedding level of each character; odd ones read from right to left."""
    if not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return [0] * len(text)
    storage = uax9.get_empty_storage()
    storage["base_level"] = base = uax9.get_base_level(text)
    storage["base_dir"] = "LR"[base]
    uax9.get_embedding_levels(text, storage)
    for rules in (
        uax9.explicit_embed_and_overrides,
        uax9.resolve_weak_types,
        uax9.resolve_neutral_types,
        uax9.resolve_implicit_levels,
    ):
        rules(storage, False)
    return _with_removed(text, [(char["ch"], char["level"]) for char in storage["chars"]], base)


def _with_removed(text: str, resolved: list[tuple[str, int]], base: int) -> list[int]:
    """Rule X9 drops joiners and marks, which shaping needs: they take the level of what is before them."""
    levels: list[int] = []
    at = 0
    for character in text:
        if at < len(resolved) and resolved[at][0] == character:
            levels.append(resolved[at][1])
            at += 1
        else:
            levels.append(levels[-1] if levels else base)
    return levels


def _fonts(text: str, *, kana: bool, hangul: bool) -> list[TextFont]:
    """A font for each character; marks and spaces stay with the font before them where it has them."""
    fonts: list[TextFont] = []
    for character in text:
        kind = unicodedata.category(character)
        stays = fonts and (kind in _MARKS or (kind == "Zs" and not fonts[-1].is_emoji))
        if stays and (fonts[-1].covers(character) or kind == "Cf"):
            fonts.append(fonts[-1])
        else:
            fonts.append(font_for(character, kana, hangul))
    return fonts


def _reordered(pieces: list[tuple[int, Run]]) -> list[Run]:
    """Rule L2: from the highest level down to 1, turn round every stretch of at least that level."""
    if not pieces:
        return []
    order = list(pieces)
    for level in range(max(level for level, _ in order), 0, -1):
        turned: list[tuple[int, Run]] = []
        for high, group in groupby(order, key=lambda piece, least=level: piece[0] >= least):  # type: ignore[misc]  # groupby's key has no default in its stub
            stretch = list(group)
            turned += stretch[::-1] if high else stretch
        order = turned
    return [run for _, run in order]
