"""From the order in which characters stand on a line to the order in which they are read.

Only scripts written from right to left tell the two apart. The Unicode bidirectional algorithm (UAX #9) takes
logical order to visual; applied to the visual order it gives the logical one back, but for numbers, which it
joins to what was read before them. So it is applied from either end, and what displays as seen is taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_RIGHT_TO_LEFT = ("R", "AL")
# The blocks of such scripts, in which Unicode keeps places for those to come (UAX #9, 3.2).
_BACKWARDS = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Classes that the algorithm removes, or that end a paragraph: on a line they are as neutral as a space.
_INVISIBLE = frozenset({"BN", "B", "S", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", ""})


def logical_order(visual: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    """Which entries of `visual` are read first, second, and so on, and those entries as they are read.

    A line belongs to the direction that has most of its letters. Upstream goes by the leftmost letter, which
    puts a line that ends in a Latin word the wrong way round.

    Args:
        visual: the entries from left to right; one that has several characters is placed by its first.
    """
    classes = [unicodedata.bidirectional(entry[:1] or " ") for entry in visual]
    if not any(kind in _RIGHT_TO_LEFT for kind in classes):
        return list(range(len(visual))), tuple(visual)
    stand_ins, base = _plain(visual, classes), _base(classes)
    order = _turned(stand_ins, base)
    if base and not _displays(order, stand_ins):
        last = len(visual) - 1
        other = [(last - at, level) for at, level in reversed(_turned(stand_ins[::-1], base))]
        order = other if _displays(other, stand_ins) else order
    return [at for at, _ in order], tuple(_as_read(visual[at], level) for at, level in order)


def may_run_backwards(text: str) -> bool:
    """Whether any of `text` may be of a script that is written from right to left."""
    return not text.isascii() and _BACKWARDS.search(text) is not None


def visual_order(text: str) -> list[int]:
    """Which characters of `text`, that is in the order of reading, stand first, second, ... from the left."""
    return [at for at, _ in displayed(text)]


def displayed(text: str) -> list[tuple[int, str]]:
    """The characters of `text` from left to right as they stand: their places in it, and what is shown there.

    They differ from those of `text` in brackets and the like, which are mirrored between letters that run
    from right to left.
    """
    classes = [unicodedata.bidirectional(character) for character in text]
    if not any(kind in _RIGHT_TO_LEFT for kind in classes):
        return list(enumerate(text))
    return [(at, _as_read(text[at], level)) for at, level in _turned(_plain(text, classes), _base(classes))]


def _plain(entries: Sequence[str], classes: Sequence[str]) -> list[str]:
    """A character for each entry that the algorithm keeps."""
    return [" " if kind in _INVISIBLE else entry[0] for entry, kind in zip(entries, classes, strict=True)]


def _base(classes: Sequence[str]) -> int:
    """The embedding level of a line: 1 where most of its letters run from right to left."""
    return int(sum(kind in _RIGHT_TO_LEFT for kind in classes) >= classes.count("L"))


def _turned(characters: Sequence[str], base: int) -> list[tuple[int, int]]:
    """The algorithm's answer: indices of `characters` in their new order, each with its embedding level."""
    from bidi import algorithm as uax9  # noqa: PLC0415  -- for two models out of thirty

    storage: dict[str, Any] = uax9.get_empty_storage()
    storage["base_level"], storage["base_dir"] = base, "LR"[base]
    uax9.get_embedding_levels("".join(characters), storage)
    for index, character in enumerate(storage["chars"]):
        character["index"] = index
    for rule in (
        uax9.explicit_embed_and_overrides,
        uax9.resolve_weak_types,
        uax9.resolve_neutral_types,
        uax9.resolve_implicit_levels,
        uax9.reorder_resolved_levels,
    ):
        rule(storage, False)
    return [(int(character["index"]), int(character["level"])) for character in storage["chars"]]


def _displays(order: Sequence[tuple[int, int]], characters: Sequence[str]) -> bool:
    """Whether what is read in this right-to-left order is displayed as `characters` stand."""
    shown = _turned([_as_read(characters[at], level) for at, level in order], 1)
    return [order[at][0] for at, _ in shown] == list(range(len(order)))


def _as_read(entry: str, level: int) -> str:
    from bidi.mirror import MIRRORED  # noqa: PLC0415  -- as above

    return str(MIRRORED.get(entry, entry)) if level % 2 else entry
