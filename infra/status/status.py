"""The state of documents and pages: every change is one atomic script.

A method's name is its script's. What an *owner* is, see `owner_name`; times are seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.settings import QueueSettings
from infra.status.scripts import Scripts
from infra.status.states import DocumentState, PageState
from infra.status.work import Claim, Commit, DocumentStep, PageRange, Step, Work, parse_work

_BATCH = 200  # members that one run of a sweeping script looks at


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as it stands after `Status.open`; `created` unless it was known before."""

    created: bool
    state: DocumentState
    generation: int


class Status:
    """Changes the state of documents and pages, and keeps the leases on them."""

    def __init__(self, scripts: Scripts, queue: QueueSettings) -> None:
        self._run = scripts.run
        self._queue = queue

    def open(
        self, document: str, fields: Mapping[str, str], *, state: DocumentState = DocumentState.RECEIVED
    ) -> Opened:
        """Make a document known, unless it is. `fields`: tenant, priority, device, source, folder."""
        keep, recent = self._queue.keep_seconds, self._queue.keep_recent
        created, found, generation = self._run("open", document, state, keep, recent, *_flat(fields))
        return Opened(bool(created), DocumentState(found), int(generation))

    def claim(self, step: DocumentStep, owner: str) -> tuple[Claim, int]:
        """Take the lease on a step and charge an attempt; returns the outcome and the attempt's number."""
        outcome, attempts = self._run(
            "claim", step.document, step.generation, step.step, owner, self._queue.lease_seconds
        )
        return Claim(outcome), int(attempts)

    def let_go(self, step: DocumentStep, owner: str, *, refund: bool) -> bool:
        """Give the lease on a step back; False when it was lost before."""
        return bool(self._run("let_go", step.document, step.generation, step.step, owner, int(refund)))

    def split_done(
        self,
        step: DocumentStep,
        owner: str,
        *,
        pages: Sequence[PageState],
        firsts: Sequence[int],
        reasons: Mapping[int, str],
        fields: Mapping[str, str],
    ) -> DocumentState | None:
        """Record what splitting found: states of pages, first pages of ranges, reasons of failures.

        Returns the document's new state, or None when the lease was lost meanwhile.
        """
        states = "".join(page.value for page in pages)
        packed = struct.pack(f">{len(firsts)}I", *firsts)
        named = {f"reason:{page}": reason for page, reason in reasons.items()}
        found = self._run(
            "split_done", step.document, step.generation, owner, states, packed, *_flat({**named, **fields})
        )
        return None if found == "lost" else DocumentState(found)

    def release(self, lane: str, window: int) -> list[Work]:
        """Put ranges of the lane's documents out until `window` of them are; returns those to be sent."""
        return _works(self._run("release", lane, window))

    def begin_range(self, pages: PageRange, owner: str) -> Claim:
        """Take the lease on a range: GO, HELD or GONE."""
        return Claim(self._run("begin_range", *_range(pages), owner, self._queue.lease_seconds))

    def begin_page(self, pages: PageRange, page: int, owner: str) -> tuple[Claim, int]:
        """Take the lease on a page and charge an attempt: GO with its number, HELD, SETTLED or GONE."""
        outcome, attempt = self._run(
            "begin_page",
            pages.document,
            pages.generation,
            page,
            pages.mode,
            owner,
            self._queue.lease_seconds,
        )
        return Claim(outcome), int(attempt)

    def park(self, pages: PageRange, page: int, owner: str) -> bool:
        """Give a page's attempt back while it only waits in hand; False when the lease was lost."""
        return bool(self._run("charge", pages.document, pages.generation, page, owner, -1))

    def resume(self, pages: PageRange, page: int, owner: str) -> bool:
        """Charge a parked page again, as work on it goes on; False when the lease was lost."""
        return bool(self._run("charge", pages.document, pages.generation, page, owner, 1))

    def return_page(self, pages: PageRange, page: int, owner: str, *, refund: bool) -> bool:
        """Put a page in hand back unread, with its attempt or (it was parked) without; False: lease lost."""
        return bool(
            self._run("return_page", pages.document, pages.generation, page, pages.mode, owner, int(refund))
        )

    def fault_page(self, pages: PageRange, page: int, owner: str, reason: str) -> bool:
        """Treat a page in hand as if its process had died; the sweep decides how it goes on."""
        return bool(self._run("fault_page", pages.document, pages.generation, page, owner, reason))

    def commit_page(
        self, document: str, generation: int, page: int, state: PageState, reason: str = ""
    ) -> Commit:
        """Settle a page whose record is in storage as DONE or FAILED; the first commit of a page wins."""
        return Commit(self._run("commit_page", document, generation, page, state.value, reason))

    def end_range(self, pages: PageRange, owner: str) -> Work | None:
        """Give the lease on a range back; returns what is left of it and is to be sent again."""
        member = self._run("end_range", *_range(pages), owner)
        return None if member in ("", "lost") else parse_work(member)

    def renew(self, owner: str, leases: Sequence[str]) -> list[str]:
        """Renew leases (their names); returns those that somebody else has taken meanwhile."""
        return list(self._run("renew", owner, self._queue.lease_seconds, *leases)) if leases else []

    def forfeit(self, worker: str, pid: int) -> int:
        """Let the leases of `worker`'s earlier processes run out, all but those of process `pid`."""
        return int(self._run("forfeit", f"{worker}#", f"{worker}#{pid}#"))

    def expire(self) -> list[Work]:
        """Take back what dead processes held; returns what is to be sent."""
        return _works(self._run("expire", _BATCH))

    def overdue(self, lane: str, seconds: float) -> list[Work]:
        """Find ranges released `seconds` ago that nobody holds; returns them to be sent again."""
        return _works(self._run("overdue", lane, seconds, _BATCH))

    def stuck(self, seconds: float) -> list[Work]:
        """Find documents without progress for `seconds`; returns what is to be sent to move them."""
        return _works(self._run("stuck", seconds, _BATCH))

    def finish(self, document: str, generation: int, state: DocumentState, reason: str | None) -> Commit:
        """End a document whose manifest is in storage: FIRST, REPEATED or GONE."""
        keep = self._queue.keep_seconds
        return Commit(self._run("finish", document, generation, state, reason or "", keep))


def owner_name(worker: str, pid: int, serial: int) -> str:
    """Name the holder of leases: one run of a task in one process of one worker."""
    return f"{worker}#{pid}#{serial}"


def split_step(document: str, generation: int) -> DocumentStep:
    """The splitting of a document."""
    return DocumentStep(document, generation, Step.SPLIT)


def finalize_step(document: str, generation: int) -> DocumentStep:
    """The finalizing of a document."""
    return DocumentStep(document, generation, Step.FINALIZE)


def _flat(fields: Mapping[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]


def _range(pages: PageRange) -> tuple[str, int, int, int, str]:
    return pages.document, pages.generation, pages.first, pages.last, pages.mode


def _works(members: Sequence[str]) -> list[Work]:
    return [parse_work(member) for member in members]
