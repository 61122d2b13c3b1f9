"""The work of `pageline status`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from infra.settings import Settings
from infra.status import DocumentStatus, Heartbeat, Store, TenantStatus
from infra.status.fleet import CONTROL
from infra.status.states import DocumentState
from infra.storage import Location
from worker.cli.errors import CommandError
from worker.cli.progress import document_table, progress_on
from worker.cli.stacks import chosen_stack, view_of
from worker.cli.terminal import stderr, stdout
from worker.cli.view import plural, totals

_LATEST = 100  # documents that are shown when none is named
_POLL_SECONDS = 0.5


def show_status(
    document: str | None, folder: Path | None, *, watch: bool, as_json: bool, tenant: str | None = None
) -> bool:
    """Show one document or the latest; False when the one that was named ended without every page read.

    With a tenant, there are no documents but that one's.

    Raises:
        CommandError: nobody knows the document.
        InfraError: the stack cannot be asked.
    """
    with chosen_stack(folder) as (settings, store):
        ask = _asking_for(store, document, tenant)
        if watch:
            _watch(ask, store)
        found = ask()
        if as_json:
            shown: Any = [described(one, settings, store) for one in found]
            typer.echo(json.dumps(shown if document is None else shown[0], indent=2, ensure_ascii=False))
        elif document is None:
            _print_list(found, store, settings.tenants if tenant is None else [tenant])
        else:
            _print_one(found[0], settings, store)
    return document is None or not found[0].terminal or found[0].state == DocumentState.SUCCEEDED


def _asking_for(store: Store, document: str | None, tenant: str | None) -> Callable[[], list[DocumentStatus]]:
    if document is None:
        return lambda: store.listing.recent(_LATEST, tenant)
    return lambda: [known_document(store, document, tenant)]


def known_document(store: Store, document: str, tenant: str | None = None) -> DocumentStatus:
    """Return a document, of one tenant if one is named. Raises `CommandError` when nobody knows it."""
    status = store.listing.document(document)
    if status is None or tenant not in (None, status.tenant):
        raise CommandError(
            f"no document {document} is known here; finished ones are forgotten after a while, "
            "their document.json in the results is not"
        )
    return status


def _watch(ask: Callable[[], list[DocumentStatus]], store: Store) -> None:
    with progress_on(stderr()) as progress:
        while True:
            found = ask()
            progress.show([view_of(status) for status in found])
            if all(status.terminal for status in found):
                return
            if stderr().is_terminal:
                progress.say(pace(store.fleet.workers(), found))
            time.sleep(_POLL_SECONDS)


def pace(beats: Iterable[Heartbeat], found: Iterable[DocumentStatus]) -> str:
    """Who reads, how fast, and how long what is shown takes: `2 workers, 3.1 pages/s, about 40 s left`."""
    readers = [beat for beat in beats if beat.kind != CONTROL]
    speed = sum(beat.pages_per_second or 0.0 for beat in readers)
    left = sum((one.pages or 0) - one.done - one.failed for one in found if not one.terminal)
    said = [plural(len(readers), "worker") if readers else "no worker is reading"]
    if speed > 0:
        said.append(f"{speed:.1f} pages/s")
        said += [f"about {left / speed:.0f} s left"] if left else []
    return ", ".join(said)


def _print_list(found: Sequence[DocumentStatus], store: Store, tenants: Iterable[str]) -> None:
    console = stdout()
    views = [view_of(status) for status in found]
    if views:
        console.print(document_table(views, room=len(views), ids=True))
        console.print(totals(views))
    else:
        console.print("no documents yet")
    for each in store.listing.tenants(tenants):
        if each.waiting:
            console.print(_line_of(each))
    workers = sorted(f"{beat.name} ({beat.state})" for beat in store.fleet.workers())
    console.print(f"workers: {', '.join(workers) or 'none'}")


def _line_of(tenant: TenantStatus) -> str:
    """One line, such as `tenant a: 2 documents (40 pages) in work, 17 waiting: It waits for ...`."""
    work = f"{plural(tenant.documents, 'document')} ({plural(tenant.pages, 'page')}) in work"
    why = f": {tenant.reason}" if tenant.reason else ""
    return f"tenant {tenant.tenant}: {work}, {tenant.waiting:,} waiting{why}"


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


def described(status: DocumentStatus, settings: Settings, store: Store) -> dict[str, Any]:
    """A document for a program."""
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
