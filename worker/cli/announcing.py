"""The work of `pageline submit`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.errors import NotFound
from infra.settings import Settings
from infra.status import DocumentStatus, Store
from infra.storage import Location, open_storage
from infra.storage.location import innermost
from tasks.places import Folder
from tasks.records import DocumentRef, Request
from worker.cli.errors import CommandError, UsageError
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import printable, stdout
from worker.inbox.gather import NothingFound, gather
from worker.inbox.names import is_document
from worker.stack.submission import producer_for, uri_of

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1
_LATEST = 1000


def announce(locations: Sequence[str], folder: Path | None) -> None:
    """Announce the documents at `locations`, and print the id and name of each once the stack knows it.

    Raises:
        UsageError: a location holds no document.
        CommandError: no control worker takes the announcements.
        InfraError: the stack or the storage does not answer.
    """
    with chosen_stack(folder) as (settings, store), producer_for(settings) as producer:
        refs = [ref for text in locations for ref in documents_at(text, settings)]
        for ref in refs:
            producer.announce(ref)
        for uri, identity in _ids_of(refs, settings, store):
            stdout().print(f"{identity}  {short_name(uri)}")


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


def _ids_of(refs: Sequence[DocumentRef], settings: Settings, store: Store) -> Iterator[tuple[str, str]]:
    """URI and id of each document, as soon as ingest has given it one.

    A source that has changed has had other documents before; what is meant is the version that is there now.
    """
    waiting = {uri_of(ref): _etag(ref, settings) for ref in refs}
    others: set[str] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while waiting:
        for status in store.listing.recent(max(_LATEST, len(refs))):
            if status.source not in waiting or status.id in others:
                continue
            if _announced_etag(status, settings) == waiting[status.source]:
                del waiting[status.source]
                yield status.source, status.id
            else:
                others.add(status.id)
        if waiting and time.monotonic() >= deadline:
            raise CommandError(
                f"{short_name(next(iter(waiting)))} is announced, but no control worker has taken it within "
                f"{_PATIENCE_SECONDS:g} s; it will be read when one runs"
            )
        time.sleep(_POLL_SECONDS)


def _etag(ref: DocumentRef, settings: Settings) -> str | None:
    place = Location.parse(ref.source).at(ref.key)
    try:
        return open_storage(place, settings.s3).head(place.key).etag
    except NotFound:
        return None


def _announced_etag(status: DocumentStatus, settings: Settings) -> str | None:
    results = open_storage(Location.parse(settings.results), settings.s3)
    return Request.model_validate_json(results.read(Folder(status.folder).request)).source.etag
