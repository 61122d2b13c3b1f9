"""States of documents and pages, the sets that matter, and the transitions that are allowed.

The transitions are handed to the Lua scripts, which check them where they write.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum


class DocumentState(StrEnum):
    """Where a document is on its way.

    `rejected` is bad input with a public reason, `failed` is our failure, `partial` has failed pages,
    `superseded` was replaced at its source before it was read.
    """

    RECEIVED = "received"
    SPLITTING = "splitting"
    PROCESSING = "processing"
    FINALIZING = "finalizing"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class PageState(Enum):
    """State of a page; the value is its byte in Redis. Each has a public `label`.

    `skipped` is one that nobody asked for, `aside` one that was in the hands of a process that died: only a
    message of its own may take it.
    """

    PENDING = "p"
    RUNNING = "r"
    ASIDE = "a"
    DONE = "d"
    FAILED = "f"
    CANCELLED = "c"
    SKIPPED = "s"

    @property
    def label(self) -> str:
        """The public name: an `aside` page is `pending` to everybody else."""
        return "pending" if self is PageState.ASIDE else self.name.lower()


class Mode(StrEnum):
    """How a range is read: as it is, one page alone in its process, at low cost, or given up as failed."""

    NORMAL = "normal"
    ALONE = "alone"
    QUARANTINE = "quarantine"
    GIVEN_UP = "given_up"


class Priority(StrEnum):
    """Which line a document waits in; the lines are served in turn."""

    HIGH = "high"
    NORMAL = "normal"
    BULK = "bulk"


TERMINAL = frozenset(
    {
        DocumentState.SUCCEEDED,
        DocumentState.PARTIAL,
        DocumentState.FAILED,
        DocumentState.CANCELLED,
        DocumentState.REJECTED,
        DocumentState.SUPERSEDED,
    }
)
ACTIVE = frozenset(DocumentState) - TERMINAL
SETTLED_PAGES = frozenset({PageState.DONE, PageState.FAILED, PageState.CANCELLED, PageState.SKIPPED})

_READ = {DocumentState.SUCCEEDED, DocumentState.PARTIAL, DocumentState.FAILED, DocumentState.REJECTED}
_UNREAD = {DocumentState.REJECTED, DocumentState.FAILED, DocumentState.SUPERSEDED, DocumentState.CANCELLED}

TRANSITIONS: Mapping[DocumentState, frozenset[DocumentState]] = {
    DocumentState.RECEIVED: frozenset({DocumentState.SPLITTING, DocumentState.FINALIZING} | _UNREAD),
    DocumentState.SPLITTING: frozenset({DocumentState.PROCESSING, DocumentState.FINALIZING} | _UNREAD),
    DocumentState.PROCESSING: frozenset(
        {DocumentState.FINALIZING, DocumentState.FAILED, DocumentState.CANCELLED}
    ),
    DocumentState.FINALIZING: frozenset(_READ | {DocumentState.CANCELLED}),
} | {state: frozenset() for state in TERMINAL}
"""Every transition there is. A document that is cancelled goes to be finalized from wherever it is. A
terminal one leaves its state only by expiring, or with a new generation."""

MODE_AFTER_DEATHS: Mapping[int, Mode] = {1: Mode.ALONE, 2: Mode.QUARANTINE, 3: Mode.GIVEN_UP}
"""How a page goes on after so many attempts that ended with their process; beyond the last it is given up."""

MAX_ATTEMPTS = max(MODE_AFTER_DEATHS)
