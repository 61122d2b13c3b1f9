"""Finds documents that are open in storage and that Redis has lost, and brings them back to work.

Done by control workers, led by one at a time, in turns of bounded work: when one starts, at once when Redis
was restarted or emptied, else now and then; and by `pageline rebuild` for as long as it takes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from infra.errors import InfraError, StorageError
from infra.status import Pass
from infra.status.states import TERMINAL, DocumentState
from infra.storage import Location, Storage
from tasks.context import Tools
from tasks.following import count_error
from tasks.ledger import RequestLost
from tasks.resume import resume
from tasks.walk import Entry, documents, result_keys, start_of

_log = logging.getLogger(__name__)
_BACKLOG = 20_000  # documents in line for the control workers, some 20 MB: more would only wait in Redis
_RESUMED = 200  # documents that are looked at closely in one turn
_READERS = 8


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that could not be looked at, and why."""

    entry: Entry
    error: InfraError


def rebuild_some(tools: Tools, storage: Storage) -> int:
    """Do one turn of the pass through the results, if one is due; returns how many documents were taken up.

    One that cannot be looked at is left to the next pass.

    Raises `StorageError` of a listing, or a retryable one: the next turn begins where this one did.
    """
    state = _due(tools)
    if state is None or state.cursor is None:
        return 0
    if tools.store.fleet.waiting() >= _BACKLOG:
        return 0
    start = start_of(Location.parse(tools.settings.results))
    keys = list(islice(result_keys(storage, start, state.cursor), tools.settings.queue.rebuild_keys))
    entries = lost(tools, documents(keys))
    if len(entries) > _RESUMED:
        entries = entries[:_RESUMED]
        cursor: str | None = entries[-1].folder.request
    else:
        cursor = keys[-1] if len(keys) == tools.settings.queue.rebuild_keys else None
    resumed, refused = resume_all(tools, storage, entries)
    if refused:
        first = refused[0]
        _log.error(
            "%d documents cannot be taken up; %s: %s", len(refused), first.entry.folder.key, first.error
        )
    finished = time.time() if cursor is None else state.finished
    tools.store.passes.save(replace(state, cursor=cursor, finished=finished))
    return len(resumed)


class Rebuilder:
    """One turn after the other, by a worker that has just started.

    Much may have been lost while none ran. So the first pass that begins while this one leads does not wait
    until it is due. One that is under way goes on where it stopped: else workers that start more often than a
    pass takes would never come to its end.
    """

    def __init__(self, tools: Tools, storage: Storage) -> None:
        self._tools = tools
        self._storage = storage
        self._started = True

    def __call__(self) -> int:
        """Do one turn, as `rebuild_some` does."""
        passes = self._tools.store.passes
        if self._started:
            state = passes.load()
            if state is None or state.cursor is None:
                passes.forget()
                self._started = False
        return rebuild_some(self._tools, self._storage)


def lost(tools: Tools, entries: Iterable[Entry]) -> list[Entry]:
    """Return the documents that are open, and that Redis does not know to be at work.

    And those of whose end somebody has yet to be told, if Redis does not know that.
    """
    found = [entry for entry in entries if entry.open or (entry.request and entry.owing)]
    known = tools.store.listing.generations([entry.folder.document for entry in found])
    idle = [entry for entry in found if entry.reopened or _ended(known.get(entry.folder.document))]
    ends = [(document, known[document][1]) for entry in idle if (document := entry.folder.document) in known]
    waiting = {end[0] for end, left in zip(ends, tools.store.outbox.owed(ends), strict=True) if left}
    return [entry for entry in idle if entry.open or entry.folder.document not in waiting]


def resume_all(tools: Tools, storage: Storage, entries: Sequence[Entry]) -> tuple[list[Entry], list[Refused]]:
    """Bring documents back to work, some at a time; returns those for which that was necessary.

    And those that could not be looked at, because somebody has to mend something first. Raises retryable
    `StorageError`.
    """

    def one(entry: Entry) -> bool | Refused:
        try:
            return resume(tools, storage, entry.folder)
        except (RequestLost, StorageError) as error:
            if error.retryable:
                raise
            count_error("rebuild", error)
            return Refused(entry, error)

    with ThreadPoolExecutor(_READERS, thread_name_prefix="rebuild") as pool:
        found = list(zip(entries, pool.map(one, entries), strict=True))
    resumed = [entry for entry, outcome in found if outcome is True]
    return resumed, [outcome for _, outcome in found if isinstance(outcome, Refused)]


def _due(tools: Tools) -> Pass | None:
    """Return where to go on; None when it is too early for another pass."""
    passes = tools.store.passes
    server, state = passes.server(), passes.load()
    if state is None or state.server != server:
        return Pass("", 0.0, server)
    if state.cursor is not None:
        return state
    due = time.time() >= state.finished + tools.settings.queue.rebuild_seconds
    return replace(state, cursor="") if due else None


def _ended(known: tuple[DocumentState, int] | None) -> bool:
    return known is None or known[0] in TERMINAL
