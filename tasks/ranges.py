"""Cuts a document into ranges of pages that each take some seconds."""

from __future__ import annotations

from collections.abc import Sequence

# What a page costs at least, in megapixels: opening, writing and committing take their time too.
FLOOR_MEGAPIXELS = 0.25


def page_cost(megapixels: float) -> float:
    """Return a page's cost in megapixels, with a floor."""
    return max(megapixels, FLOOR_MEGAPIXELS)


def plan_ranges(megapixels: Sequence[float], *, most_megapixels: float, most_pages: int) -> list[int]:
    """Return the first page (from 1) of each range.

    A range holds at least one page, at most `most_pages`, and costs at most `most_megapixels` unless its only
    page alone costs more.
    """
    firsts: list[int] = []
    cost = 0.0
    for number, size in enumerate(megapixels, start=1):
        page = page_cost(size)
        full = bool(firsts) and (cost + page > most_megapixels or number - firsts[-1] >= most_pages)
        if not firsts or full:
            firsts.append(number)
            cost = 0.0
        cost += page
    return firsts
