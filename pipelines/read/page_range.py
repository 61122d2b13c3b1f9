"""Choosing pages: `1-3,7,10-`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.errors import OptionError

_PART = re.compile(r"(\d+)(-(\d*))?")


def selected_pages(pages: str | Iterable[int], count: int, name: str) -> list[int]:
    """The page numbers asked for, ascending and each once, all within 1..count.

    A range ends where the document does: `1-3` are the first three pages or as many as there are.

    Raises:
        OptionError: not a range, a page the document does not have, or a range that begins behind its end.
    """
    numbers = set(_parsed(pages, count)) if isinstance(pages, str) else set(pages)
    if not numbers:
        raise OptionError("no pages were asked for")
    beyond = sorted(number for number in numbers if not 1 <= number <= count)
    if beyond:
        raise OptionError(f"{name} has no page {beyond[0]}; it has {count}")
    return sorted(numbers)


def _parsed(text: str, count: int) -> Iterable[int]:
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise OptionError(f"{text!r} is no page range; one looks like 1-3,7,10-")
        first = int(match[1])
        if match[3] and int(match[3]) < first:
            raise OptionError(f"{part.strip()!r} ends before it begins")
        last = min(int(match[3] or count), count) if match[2] else first
        yield from range(first, max(first, last) + 1)
