"""The work of `pageline retry`, `pageline cancel` and `pageline rebuild`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from infra.settings import Settings
from infra.status import DocumentStatus, Store
from infra.status.states import DocumentState
from infra.status.work import Commit
from infra.storage import Location, Storage, open_storage
from tasks.cancel import cancel
from tasks.context import Tools, storage_at
from tasks.dispatch import announce_dropped
from tasks.places import Folder
from tasks.rebuild import Refused, lost, resume_all
from tasks.reopen import retry
from tasks.walk import documents, result_keys, start_of
from worker.cli.asking import described
from worker.cli.errors import CommandError, UsageError
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import stderr, stdout
from worker.cli.view import plural
from worker.sending import tools_for

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.2
_BATCH = 500  # documents that are compared with Redis at a time
_BACKLOG = 20_000  # documents in line for the control workers, beyond which a rebuild waits


def retry_document(document: str, folder: Path | None, *, as_json: bool) -> None:
    """Have what failed of a document read again.

    Raises:
        CommandError: nobody knows the document.
        NotReopened: there is nothing to be read again, or it cannot be.
        InfraError: the stack or the storage does not answer.
    """
    with chosen_stack(folder) as (settings, store), tools_for(settings, store) as tools:
        storage = storage_at(settings.results, settings.s3)
        place = _find(document, settings, store, storage)
        reopened = retry(tools, storage, place)
    if as_json:
        found = {"id": document, "generation": reopened.generation, "pages": list(reopened.pages)}
        typer.echo(json.dumps(found, indent=2))
    else:
        what = plural(len(reopened.pages), "page") if reopened.pages else "the whole document"
        stdout().print(f"{document}: {what} to be read again (generation {reopened.generation})")


def cancel_document(document: str, folder: Path | None, *, as_json: bool) -> bool:
    """Have a document end as it stands, and wait until it has; False when it ended otherwise before.

    Raises:
        CommandError: nobody knows the document, or no control worker ends it.
        InfraError: the stack or the storage does not answer.
    """
    with chosen_stack(folder) as (settings, store), tools_for(settings, store) as tools:
        storage = storage_at(settings.results, settings.s3)
        outcome, _ = cancel(tools, storage, _find(document, settings, store, storage))
        status = _await_end(document, store)
        if as_json:
            typer.echo(json.dumps(described(status, settings, store), indent=2, ensure_ascii=False))
        else:
            ended = f"it had ended: {status.state}" if outcome is not Commit.FIRST else str(status.state)
            stdout().print(f"{document}: {ended}" + (f"; {status.reason}" if status.reason else ""))
    return status.state is DocumentState.CANCELLED


def rebuild_location(location: str, folder: Path | None, *, as_json: bool) -> bool:
    """Find the documents at a location of results that Redis has lost, and have them finished.

    Announcements that were given up are made again first. False when some could not be looked at.

    Raises:
        UsageError: the location is none of the stack's results.
        InfraError: the stack or the storage does not answer.
    """
    with chosen_stack(folder) as (settings, store), tools_for(settings, store) as tools:
        place = results_place(location, settings)
        announced = [str(ref["key"]) for ref in announce_dropped(tools)]
        if not as_json:
            for key in announced:
                stdout().print(f"{key}  announced again")
        seen, taken, refused = 0, list[str](), list[dict[str, str]]()
        for count, resumed, others in _rebuilt(tools, open_storage(place, settings.s3), place):
            seen += count
            taken += [each.document for each in resumed]
            refused += [{"folder": one.entry.folder.key, "problem": str(one.error)} for one in others]
            if not as_json:
                for one in others:
                    stdout().print(f"{one.entry.folder.key}  could not be looked at: {one.error}")
                for each in resumed:
                    stdout().print(f"{each.document}  {_source(store, each)}")
    if as_json:
        found = {"documents": seen, "taken_up": taken, "refused": refused, "announced": announced}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        left = f", {len(refused):,} that could not be looked at" if refused else ""
        stdout().print(f"{plural(seen, 'document')}, {len(taken):,} of them taken up again{left}")
    return not refused


def results_place(location: str, settings: Settings) -> Location:
    """Return where in the stack's results a location lies. Raises `UsageError`."""
    results = Location.parse(settings.results)
    if not results.contains(Location.parse(location)):
        raise UsageError(f"{location} is not in the results of this stack, which are in {results}")
    return results.locate(location)


def _rebuilt(
    tools: Tools, storage: Storage, place: Location
) -> Iterator[tuple[int, list[Folder], list[Refused]]]:
    """Yield, batch by batch, how many documents were seen, which were taken up, and which could not be."""
    entries = documents(result_keys(storage, start_of(place)))
    while batch := list(islice(entries, _BATCH)):
        _await_room(tools)
        resumed, refused = resume_all(tools, storage, lost(tools, batch))
        yield len(batch), [entry.folder for entry in resumed], refused


def _await_room(tools: Tools) -> None:
    """Wait while the control workers have more than enough to do."""
    while tools.store.fleet.waiting() >= _BACKLOG:
        stderr().print("waiting for the control workers to catch up")
        time.sleep(_POLL_SECONDS)


def _find(document: str, settings: Settings, store: Store, storage: Storage) -> Folder:
    """Return a document's folder: Redis knows it, or else it is looked for in all results."""
    key = store.listing.field(document, "folder")
    if key is not None:
        return Folder(key)
    for entry in documents(result_keys(storage, start_of(Location.parse(settings.results)))):
        if entry.folder.document == document:
            return entry.folder
    raise CommandError(f"no document {document} is known here, nor are there results of it")


def _await_end(document: str, store: Store) -> DocumentStatus:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        status = store.listing.document(document)
        if status is None:
            raise CommandError(f"the document {document} was forgotten meanwhile")
        if status.terminal:
            return status
        if time.monotonic() >= deadline:
            raise CommandError(
                f"{document} is cancelled, but no control worker has written that down within "
                f"{_PATIENCE_SECONDS:g} s; one will when it runs"
            )
        time.sleep(_POLL_SECONDS)


def _source(store: Store, folder: Folder) -> str:
    known: Any = store.listing.document(folder.document)
    return short_name(known.source) if known is not None else folder.key
