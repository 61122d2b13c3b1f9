"""Which pages of a document are read: all, or those that its options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pipelines.read.page_range import selected_pages

MOST_PAGES: Final = 99_999


def wanted_of(options: Mapping[str, Any], count: int, name: str) -> frozenset[int]:
    """Return the numbers of the pages to be read, of `count` there are.

    Raises `pipelines.errors.OptionError` when one is asked for that is not there.
    """
    text = options.get("pages")
    return frozenset(range(1, count + 1) if text is None else selected_pages(text, count, name))


def wanted_between(options: Mapping[str, Any], first: int, last: int) -> list[int]:
    """Return those of the pages `first` to `last` that are to be read; all of them must be there."""
    text = options.get("pages")
    numbers = range(first, last + 1)
    return list(numbers) if text is None else [number for number in numbers if number in _asked(text)]


@lru_cache(16)
def _asked(text: str) -> frozenset[int]:
    return frozenset(selected_pages(text, MOST_PAGES, "a document"))
