"""The state of documents and pages: every change is one atomic script.

A method's name is its script's. What an *owner* is, see `owner_name`; times are seconds.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.settings import QueueSettings, Quota
from infra.status.outbox import Letter, flat
from infra.status.scripts import Scripts
from infra.status.states import DocumentState, PageState
from infra.status.work import (
    Announcement,
    Claim,
    Commit,
    DocumentStep,
    PageRange,
    Step,
    Work,
    parse_work,
)

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
        self,
        document: str,
        fields: Mapping[str, str],
        *,
        state: DocumentState = DocumentState.RECEIVED,
        generation: int = 1,
    ) -> Opened:
        """Make a generation of a document known, unless that or a later one is: then it stays as it is.

        `fields`: tenant, priority, device, source, folder. What an earlier generation had in line, out or in
        hand is worth nothing from then on.
        """
        keep, recent = self._queue.keep_seconds, self._queue.keep_recent
        created, found, known = self._run("open", document, state, generation, keep, recent, *_flat(fields))
        return Opened(bool(created), DocumentState(found), int(known))

    def cancel(self, document: str) -> tuple[Commit, int]:
        """Have a document end as it stands: FIRST (now it is to be finalized), REPEATED or GONE.

        Returns the document's generation too. REPEATED says that nothing was left to be cancelled: it is
        being finalized, or has ended.
        """
        outcome, _, generation = self._run("cancel", document)
        return Commit(outcome), int(generation)

    def forget(self, document: str) -> bool:
        """Forget a document that has ended; False where it is at work, and stays."""
        return bool(self._run("forget", document))

    def claim(self, step: DocumentStep, owner: str) -> tuple[Claim, int]:
        """Take the lease on a step and charge an attempt; returns the outcome and the attempt's number."""
        outcome, attempts = self._run(
            "claim", step.document, step.generation, step.step, owner, self._queue.lease_seconds
        )
        return Claim(outcome), int(attempts)

    def let_go(self, step: DocumentStep, owner: str, *, refund: bool) -> bool:
        """Give the lease on a step back; False when it was lost before."""
        return bool(self._run("let_go", step.document, step.generation, step.step, owner, int(refund)))

    def host_failed(self, work: DocumentStep | PageRange) -> int:
        """Count a try that failed because its host had no room; returns how many there were."""
        part = work.step.value if isinstance(work, DocumentStep) else str(work.first)
        return int(self._run("host_failed", work.document, work.generation, part))

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

    def release(
        self, windows: Mapping[str, int], *, same: str = "", quotas: Mapping[str, Quota] | None = None
    ) -> list[Work]:
        """Put out what waits in the lanes until the windows are full; returns what is to be sent.

        `windows` has the pools of workers that lanes share: kinds of devices that are wished for, "" for any,
        `ingest`, `split` and `finalize`; others have the window of one worker. Where all workers are of the
        kind `same`, a wish for it makes no other pool. `quotas` are by tenant, "*" for the others.
        """
        limits = {tenant: quota.model_dump() for tenant, quota in (quotas or {}).items()}
        other = self._queue.window_per_worker
        flat = [part for pair in windows.items() for part in pair]
        return _works(self._run("release", other, json.dumps(limits), same, *flat))

    def line_up(self, step: DocumentStep) -> list[Work]:
        """Have a document wait for a step in its tenant's line; returns it if it is to be sent at once."""
        return _works(self._run("line_up", step.document, step.generation, step.step))

    def over(self, work: DocumentStep | Announcement) -> None:
        """Make room for the next of the tenant: this one has been done, or is not to be."""
        self._run("over", work.member, _lane(work))

    def postpone(self, work: Work, seconds: float) -> None:
        """Note that something released is sent again in `seconds`: no worker is busy with it until then."""
        self._run("postpone", work.member, _lane(work), seconds)

    def recount(self, tenants: Sequence[str]) -> int:
        """Take what has ended unnoticed out of what tenants have in flight; returns how many documents."""
        return int(self._run("recount", *tenants)) if tenants else 0

    def begin_range(self, pages: PageRange, owner: str) -> Claim:
        """Take the lease on a range: GO, HELD, GONE; EXHAUSTED when opening failed too often."""
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
            pages.first,
            pages.last,
        )
        return Claim(outcome), int(attempt)

    def park(self, pages: PageRange, page: int, owner: str, attempt: int) -> bool:
        """Give a page's attempt back while it only waits in hand; False when the lease was lost.

        `attempt` is the number that `begin_page` returned.
        """
        return bool(self._run("charge", pages.document, pages.generation, page, owner, attempt - 1))

    def resume(self, pages: PageRange, page: int, owner: str, attempt: int) -> bool:
        """Charge a parked page again, as work on it goes on; False when the lease was lost."""
        return bool(self._run("charge", pages.document, pages.generation, page, owner, attempt))

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

    def end_range(self, pages: PageRange, owner: str, *, opened: bool = True) -> Work | None:
        """Give the lease on a range back; returns what is left of it and is to be sent again.

        `opened` is False when something other than the storage kept the document from being opened: that
        counts towards EXHAUSTED.
        """
        member = self._run("end_range", *_range(pages), owner, int(opened))
        return None if member in ("", "lost") else parse_work(member)

    def renew(self, owner: str, leases: Sequence[str]) -> list[str]:
        """Renew leases (their names); returns those that somebody else has taken meanwhile."""
        return list(self._run("renew", owner, self._queue.lease_seconds, *leases)) if leases else []

    def forfeit(self, worker: str, pid: int) -> int:
        """Let the leases of `worker`'s earlier processes run out, all but those of process `pid`."""
        return int(self._run("forfeit", f"{worker}#", f"{worker}#{pid}#"))

    def expire(self, aside_seconds: float = 0.0) -> list[Work]:
        """Take back what dead processes held; returns what is to be sent.

        Pages that are likely to end the next process too are put aside, to be sent after `aside_seconds`.
        After a pause between calls, in which Redis may have been away, the living have time to renew first.
        """
        queue = self._queue
        pause = max(queue.lease_seconds - 2 * queue.heartbeat_seconds, 2 * queue.sweep_seconds)
        return _works(self._run("expire", _BATCH, aside_seconds, pause, 2 * queue.heartbeat_seconds))

    def overdue(self, lane: str, seconds: float) -> list[Work]:
        """Find what was released `seconds` ago in a lane and nobody holds, to be sent again."""
        return _works(self._run("overdue", lane, seconds, _BATCH))

    def stuck(self, seconds: float) -> list[Work]:
        """Find documents without progress for `seconds`; returns what is to be sent to move them."""
        return _works(self._run("stuck", seconds, _BATCH))

    def finish(
        self,
        document: str,
        generation: int,
        state: DocumentState,
        reason: str | None,
        *,
        adopted: int | None = None,
        letters: Sequence[Letter] = (),
    ) -> Commit:
        """End a document whose manifest is in storage: FIRST, REPEATED or GONE. Only FIRST posts `letters`.

        `adopted` is the generation of a manifest that was there before. It counts whatever Redis thinks: a
        fail-over may have rolled Redis back behind the document's end.
        """
        keep, known = self._queue.keep_seconds, "" if adopted is None else adopted
        return Commit(
            self._run("finish", document, generation, state, reason or "", keep, known, *flat(letters))
        )


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


def _lane(work: Work) -> str:
    """The lane of an announcement; the scripts know that of a document."""
    return work.lane if isinstance(work, Announcement) else ""


def _works(members: Sequence[str]) -> list[Work]:
    return [parse_work(member) for member in members]
