"""The work of `pageline submit`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from infra.errors import NotFound
from infra.settings import Settings
from infra.status import Store
from infra.storage import Location, open_storage
from infra.storage.location import innermost
from tasks.context import storage_at
from tasks.identify import identify
from tasks.layers import value_of
from tasks.options import Layer, resolve
from tasks.ref import AnnouncementError, DocumentRef
from worker.cli.errors import CommandError, UsageError
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import printable, stdout
from worker.inbox.gather import NothingFound, gather
from worker.inbox.names import is_document
from worker.stack.submission import producer_for, uri_of

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LATEST = 1000


def announce(locations: Sequence[str], asked: Sequence[str], tenant: str, folder: Path | None) -> None:
    """Announce the documents at `locations`, and print the id and name of each once the stack knows it.

    Raises:
        UsageError: a location holds no document, there is no such tenant, or an option is wrong.
        CommandError: no control worker takes the announcements.
        InfraError: the stack or the storage does not answer.
    """
    with chosen_stack(folder) as (settings, store), producer_for(settings) as producer:
        found = [ref for text in locations for ref in documents_at(text, settings)]
        refs = [asked_for(ref, asked, tenant) for ref in found]
        check(refs[0], settings)
        begun = time.time()
        for ref in refs:
            producer.announce(ref)
        for uri, identity in _ids_of(refs, begun, settings, store):
            stdout().print(f"{identity}  {short_name(uri)}")


def asked_for(ref: DocumentRef, asked: Sequence[str], tenant: str) -> DocumentRef:
    """Return an announcement with options, each as NAME=VALUE, and whose it is. Raises `UsageError`."""
    try:
        return replace(ref, options=dict(map(_pair, asked)), tenant=tenant)
    except AnnouncementError:
        raise UsageError(f"{tenant!r} cannot be a tenant's name") from None


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--option takes NAME=VALUE, not {text!r}")
    return name.strip().replace("-", "_"), value_of(value)


def check(ref: DocumentRef, settings: Settings) -> None:
    """Refuse what would only be rejected later. Raises `UsageError`."""
    if ref.tenant not in settings.tenants:
        raise UsageError(f"there is no tenant {ref.tenant!r} in the settings")
    layers = [Layer("settings", settings.defaults), Layer("call", ref.options)]
    for problem in resolve(layers, settings).problems:
        if problem.origin == "call":
            raise UsageError(problem.sentence)


def documents_at(text: str, settings: Settings) -> Iterator[DocumentRef]:
    """What a location means: itself, or all documents in the folder or below the prefix that it is.

    A document that lies in one of the stack's own sources belongs to that source, so that submitting what an
    inbox has noticed is not another document.

    Raises:
        UsageError: it holds no document.
    """
    location = Location.parse(text)
    if location.scheme == "file":
        yield from _files_at(location, settings)
        return
    storage = open_storage(location, settings.s3)
    try:
        one = Location.of_object(text).key
        keys = [storage.head(one).key] if one and not one.endswith("/") else []
    except NotFound:
        keys = []
    if not keys:
        start = f"{location.key}/" if location.key else ""
        keys = [found.key for found in storage.list(start) if is_document(found.key.removeprefix(start))]
    if not keys:
        raise UsageError(f"there is no document at {text}")
    for key in keys:
        yield _ref(Location("s3", location.bucket, key), Location("s3", location.bucket), settings)


def _files_at(location: Location, settings: Settings) -> Iterator[DocumentRef]:
    results = Location.parse(settings.results)
    leave_out = results.path if results.scheme == "file" else Path("/dev/null")
    try:
        found = gather([location.path], leave_out=leave_out)
    except NothingFound as error:
        raise UsageError(str(error)) from None
    for path in found.unnamed:
        raise UsageError(f"{printable(str(path))} cannot be announced: its name is not Unicode; rename it")
    if not found.documents:
        raise UsageError(f"there is no document at {printable(str(location.path))}")
    for one in found.documents:
        yield _ref(Location("file", str(one.path)), Location("file", str(one.root)), settings)


def _ref(document: Location, root: Location, settings: Settings) -> DocumentRef:
    root = innermost(map(Location.parse, settings.sources), document) or root
    return DocumentRef(source=root.uri, key=root.key_of(document))


def _ids_of(
    refs: Sequence[DocumentRef], begun: float, settings: Settings, store: Store
) -> Iterator[tuple[str, str]]:
    """URI and id of each document that was announced since `begun`, as soon as ingest knows it.

    Where the fleet has other settings than these, the id is another, and told by what has come since.
    """
    storage = partial(storage_at, s3=settings.s3)
    waiting = {uri_of(ref): identify(settings, storage, ref).request.id for ref in refs}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while waiting:
        for status in store.listing.recent(max(_LATEST, len(refs))):
            expected = waiting.get(status.source)
            came = status.created >= begun and status.tenant == refs[0].tenant
            if expected is not None and (status.id == expected or came):
                del waiting[status.source]
                yield status.source, status.id
        if waiting and time.monotonic() >= deadline:
            raise CommandError(
                f"{short_name(next(iter(waiting)))} is announced, but no control worker has taken it within "
                f"{_PATIENCE_SECONDS:g} s; it will be read when one runs"
            )
        time.sleep(_POLL_SECONDS)
