"""Brings a document that storage says is open back to work, whatever Redis has forgotten of it.

Storage decides. A document with a request and no manifest is open; so is one with a manifest of an earlier
generation than its reopening names. Redis may not know it, may think it ended, or may have been rolled back
to an earlier generation: it is told again. Pages that are written are adopted when their range comes, unread.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from infra.status.outbox import Letter
from infra.status.states import TERMINAL, DocumentState
from infra.status.status import finalize_step, split_step
from infra.status.work import Commit
from infra.storage import Storage
from tasks.context import Tools
from tasks.dispatch import line_up
from tasks.ledger import Records, read_records
from tasks.places import Folder
from tasks.records import Manifest, Request
from tasks.report import tell_again

_log = logging.getLogger(__name__)


def begin(
    tools: Tools, folder: Folder, request: Request, *, generation: int = 1, cancelled: bool = False
) -> bool:
    """Make a document's generation known and send it to be split; False when it is at work or over already.

    One that is known but was never begun is sent too: its first message may have been lost. One that was
    `cancelled` is split to know its pages, and ends as it stands.
    """
    fields = _fields(request, folder) | ({"cancelled": "1"} if cancelled else {})
    opened = tools.store.status.open(request.id, fields, generation=generation)
    if opened.state is not DocumentState.RECEIVED:
        return False
    line_up(tools, split_step(request.id, opened.generation))
    return opened.created


def resume(tools: Tools, storage: Storage, folder: Folder, *, recall: bool = False) -> bool:
    """Bring a document back to work if it is open and nobody works on it; says whether that was so.

    With `recall`, Redis is told of one that has ended, too, and one that waits for its first message gets it.
    Who has yet to be told how it ended is told, whatever Redis has forgotten. Raises `RequestLost`.
    """
    # Redis first: what it says has ended had its manifest in storage by then.
    known = tools.store.listing.generations([folder.document]).get(folder.document)
    records = read_records(storage, folder)
    generation = records.open_generation
    if generation is None:
        letters = tell_again(tools, storage, folder, records)
        _note_end(tools, storage, folder, records, known, letters)
        if recall or letters:
            _recall(tools, folder, records)
        return False
    if known is not None and known[1] >= generation:
        if known[0] not in TERMINAL:
            if records.cancelled:  # Redis was rolled back behind that
                end_as_it_stands(tools, folder.document)
            return recall and begin(tools, folder, records.request, generation=generation)
        generation = known[1] + 1  # somebody has taken the manifest away
    resumed = begin(tools, folder, records.request, generation=generation, cancelled=records.cancelled)
    if resumed:
        _log.info("document %s is taken up again, generation %d", folder.document, generation)
    return resumed


def end_as_it_stands(tools: Tools, document: str) -> tuple[Commit, int]:
    """Cancel a document that Redis knows and send it to be finalized: as `Status.cancel` says."""
    outcome, generation = tools.store.status.cancel(document)
    if outcome is Commit.FIRST:
        line_up(tools, finalize_step(document, generation))
    return outcome, generation


def _note_end(
    tools: Tools,
    storage: Storage,
    folder: Folder,
    records: Records,
    known: tuple[DocumentState, int] | None,
    letters: Sequence[Letter],
) -> None:
    """Have Redis learn that a document it takes for open has ended; what was asked of that is done with.

    Whoever has yet to be told of the end is, whether Redis knows of it or not.
    """
    manifest = records.manifest
    if manifest is not None and records.reopening is not None:
        storage.delete(folder.reopening)
    if manifest is not None and records.cancelling is not None:
        storage.delete(folder.cancelling)
    if manifest is None:
        return
    if known is None or known[0] in TERMINAL or known[1] > manifest.generation:
        tools.store.outbox.post(manifest.id, manifest.generation, letters)
        return
    state = DocumentState(manifest.state)
    tools.store.status.finish(
        manifest.id, known[1], state, manifest.reason, adopted=manifest.generation, letters=letters
    )


def _recall(tools: Tools, folder: Folder, records: Records) -> None:
    """Tell Redis of a document that has ended and that it has forgotten."""
    manifest = records.manifest
    if manifest is not None:
        fields = _fields(records.request, folder) | _counted(manifest)
        state, generation = DocumentState(manifest.state), manifest.generation
        tools.store.status.open(manifest.id, fields, state=state, generation=generation)


def _counted(manifest: Manifest) -> dict[str, str]:
    states = [page.state for page in manifest.pages]
    return {
        "pages": str(len(states)),
        "done": str(states.count("done")),
        "failed": str(states.count("failed")),
        "reason": manifest.reason or "",
        "finished": str(manifest.timings.finished),
    }


def _fields(request: Request, folder: Folder) -> dict[str, str]:
    traced = {} if request.traceparent is None else {"traceparent": request.traceparent}
    return traced | {
        "tenant": request.tenant,
        "priority": request.priority,
        "device": request.device or "",
        "source": request.source.uri,
        "folder": folder.key,
    }
