"""Choosing pages: `1-3,7,10-`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipelines.errors import OptionError

_PART = re.compile(r"(\d{1,18})(-(\d{0,18}))?")  # longer ones would cost time and name no page
_SHOWN = 60  # characters of what was asked for, in an error


def selected_pages(pages: str | Iterable[int], count: int, name: str) -> list[int]:
    """The page numbers asked for, ascending and each once, all within 1..count.

    A range ends where the document does: `1-3` are the first three pages or as many as there are.

    Raises:
        OptionError: not a range, a page the document does not have, or a range that begins behind its end.
    """
    if isinstance(pages, str):
        return list(_united(_parsed(pages, count, name)))
    numbers = set(pages)
    if not numbers:
        raise OptionError("no pages were asked for")
    beyond = sorted(number for number in numbers if not 1 <= number <= count)
    if beyond:
        raise OptionError(f"{name} has no page {beyond[0]}; it has {count}")
    return sorted(numbers)


def _parsed(text: str, count: int, name: str) -> Iterator[tuple[int, int]]:
    """Yield the first and last pages of the ranges, in the order of the text."""
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise OptionError(f"{_shown(text)} is no page range; one looks like 1-3,7,10-")
        first = int(match[1])
        if match[3] and int(match[3]) < first:
            raise OptionError(f"{part.strip()!r} ends before it begins")
        if not 1 <= first <= count:
            raise OptionError(f"{name} has no page {first}; it has {count}")
        yield first, min(int(match[3] or count), count) if match[2] else first


def _united(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield every number in the ranges once, ascending, however often they cover it."""
    next_one = 1
    for first, last in sorted(ranges):
        yield from range(max(first, next_one), last + 1)
        next_one = max(next_one, last + 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
