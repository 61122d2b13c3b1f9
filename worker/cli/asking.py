"""The work of `pageline status`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from infra.settings import Settings
from infra.status import DocumentStatus, Store
from infra.status.states import DocumentState
from infra.storage import Location
from worker.cli.errors import CommandError
from worker.cli.progress import document_table, progress_on
from worker.cli.stacks import chosen_stack, view_of
from worker.cli.terminal import stderr, stdout
from worker.cli.view import totals

_LATEST = 100  # documents that are shown when none is named
_POLL_SECONDS = 0.5


def show_status(document: str | None, folder: Path | None, *, watch: bool, as_json: bool) -> bool:
    """Show one document or the latest; False when the one that was named ended without every page read.

    Raises:
        CommandError: nobody knows the document.
        InfraError: the stack cannot be asked.
    """
    with chosen_stack(folder) as (settings, store):
        ask = _asking_for(store, document)
        if watch:
            _watch(ask)
        found = ask()
        if as_json:
            shown: Any = [_as_json(one, settings, store) for one in found]
            typer.echo(json.dumps(shown if document is None else shown[0], indent=2, ensure_ascii=False))
        elif document is None:
            _print_list(found, store)
        else:
            _print_one(found[0], settings, store)
    return document is None or not found[0].terminal or found[0].state == DocumentState.SUCCEEDED


def _asking_for(store: Store, document: str | None) -> Callable[[], list[DocumentStatus]]:
    def one() -> list[DocumentStatus]:
        assert document is not None  # noqa: S101  -- chosen below
        status = store.listing.document(document)
        if status is None:
            raise CommandError(
                f"no document {document} is known here; finished ones are forgotten after a while, "
                "their document.json in the results is not"
            )
        return [status]

    return (lambda: store.listing.recent(_LATEST)) if document is None else one


def _watch(ask: Callable[[], list[DocumentStatus]]) -> None:
    with progress_on(stderr()) as progress:
        while True:
            found = ask()
            progress.show([view_of(status) for status in found])
            if all(status.terminal for status in found):
                return
            time.sleep(_POLL_SECONDS)


def _print_list(found: Sequence[DocumentStatus], store: Store) -> None:
    console = stdout()
    views = [view_of(status) for status in found]
    if views:
        console.print(document_table(views, room=len(views), ids=True))
        console.print(totals(views))
    else:
        console.print("no documents yet")
    workers = sorted(f"{beat.name} ({beat.state})" for beat in store.fleet.workers())
    console.print(f"workers: {', '.join(workers) or 'none'}")


def _print_one(status: DocumentStatus, settings: Settings, store: Store) -> None:
    view = view_of(status)
    rows = {
        "document": view.name,
        "id": status.id,
        "state": view.state,
        "reason": view.reason,
        "pages": view.page_count(),
        "results": _folder(status, settings),
    }
    for label, value in rows.items():
        if value:
            stdout().print(f"{label + ':':<10}{value}")
    for page, reason in sorted(store.listing.reasons(status.id).items()):
        stdout().print(f"  page {page}: {reason}")


def _as_json(status: DocumentStatus, settings: Settings, store: Store) -> dict[str, Any]:
    reasons = store.listing.reasons(status.id).items() if status.failed else ()
    return {
        **asdict(status),
        "results": _folder(status, settings),
        "failed_pages": [{"number": page, "reason": reason} for page, reason in sorted(reasons)],
    }


def _folder(status: DocumentStatus, settings: Settings) -> str:
    """Where the results are, a path or a URL; the status has the key in their bucket or root."""
    results = Location.parse(settings.results)
    place = Location(results.scheme, results.bucket, status.folder)
    return str(place.path) if place.scheme == "file" else place.uri
