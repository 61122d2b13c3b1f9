"""What a person sees of a document, wherever it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Self

from infra.status import DocumentStatus
from infra.status.states import TERMINAL, DocumentState

WAITING = "waiting"
STYLES = {
    WAITING: "dim",
    DocumentState.RECEIVED: "dim",
    DocumentState.SUCCEEDED: "green",
    DocumentState.PARTIAL: "yellow",
    DocumentState.FAILED: "bold red",
    DocumentState.REJECTED: "red",
    DocumentState.CANCELLED: "dim",
    DocumentState.SUPERSEDED: "dim",
}


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One document at one moment.

    Attributes:
        name: What the person calls it: a path or key.
        id: Its id, 32 hexadecimal digits or so.
        state: A document state's name, or `waiting` before the queue knows it.
        pages: Pages in all; None while nobody has counted them.
        done: Pages read.
        failed: Pages given up.
        reason: Why it is rejected, failed or partial.
    """

    name: str
    id: str
    state: str = WAITING
    pages: int | None = None
    done: int = 0
    failed: int = 0
    reason: str | None = None

    @classmethod
    def of(cls, status: DocumentStatus, name: str) -> Self:
        """What the queue says of a document that the person calls `name`."""
        return cls(name, status.id, status.state, status.pages, status.done, status.failed, status.reason)

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in TERMINAL

    @property
    def settled(self) -> int:
        """Pages that are read or given up."""
        return self.done + self.failed

    @property
    def short_reason(self) -> str:
        """The reason without the document's name in front, for places that name it anyway; empty if none."""
        return (self.reason or "").removeprefix(f"{PurePath(self.name).name}: ")

    def page_count(self) -> str:
        """The pages in words: `7/12`, `12`, with failures, or nothing while they are not counted."""
        if self.pages is None:
            return ""
        count = str(self.pages) if self.settled >= self.pages else f"{self.settled}/{self.pages}"
        return f"{count} ({self.failed} failed)" if self.failed else count


def totals(views: Iterable[DocumentView]) -> str:
    """One line, such as `24 of 26 documents: 23 succeeded, 1 rejected; 239 pages read`."""
    views = list(views)
    states = Counter(view.state for view in views if view.over)
    over = sum(states.values())
    by_state = ", ".join(f"{count} {state}" for state, count in states.most_common())
    pages = sum(view.done for view in views)
    failed = sum(view.failed for view in views)
    return (
        (f"{over} of {plural(len(views), 'document')}" if over < len(views) else plural(over, "document"))
        + (f": {by_state}" if by_state else "")
        + f"; {plural(pages, 'page')} read"
        + (f", {failed} failed" if failed else "")
    )


def most_telling(views: Sequence[DocumentView], room: int) -> list[DocumentView]:
    """At most `room` documents for a screen: those at work, then the latest that ended, then those to come.

    The order among the chosen stays that of `views`, so that lines do not jump.
    """

    def rank(index: int) -> tuple[int, int]:
        view = views[index]
        if view.over:
            return 1, -index
        return (0 if view.state != WAITING and view.pages else 2), index

    return [views[index] for index in sorted(sorted(range(len(views)), key=rank)[:room])]


def plural(count: int, noun: str) -> str:
    """`1 page`, `2,000 pages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    minute, hour = 60, 3600
    if seconds < minute:
        return f"{seconds:.0f} s"
    return f"{seconds / minute:.0f} min" if seconds < hour else f"{seconds / hour:.1f} h"
