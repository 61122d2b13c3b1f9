"""What becomes of sources and results after a document's end: moved, tagged, deleted, as was asked for.

Done by a control worker, led by one at a time, in turns of bounded work. Only documents with a
`retained.json` are looked at, and it goes once all is done. What is done is written in the manifest; before
results go, so that nobody calls them missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from infra.errors import AlreadyExists, Changed, NotFound, PreconditionFailed, StorageError
from infra.retention import Disposal
from infra.settings import Settings
from infra.status.states import TERMINAL
from infra.storage import Location, Storage, open_storage
from tasks.context import Tools
from tasks.ledger import RequestLost, read_manifest, read_records
from tasks.places import RETAINED, Folder
from tasks.records import Manifest, Request, Retention, Source
from tasks.walk import documents, result_keys, start_of

_log = logging.getLogger(__name__)
_KEYS = 5000  # listed in one turn
_DOCUMENTS = 200  # looked at in one turn
_DELETIONS = 2000  # files of results that one look at a document removes
_CHUNK = 8 << 20  # bytes that are compared at a time
_DAY = 24 * 3600.0
_TAKING = frozenset({"delete", "move"})
# What was asked, how it ended, who has yet to be told, and that this goes on.
_STAYING = ("request", "manifest", "owing", "retained")


def mark(storage: Storage, folder: Folder, request: Request) -> None:
    """Have a document looked at after its end, if anything is to become of it or its source."""
    if request.verdict is not None or (request.retention == "keep" and request.results_days is None):
        return
    try:
        storage.create(folder.retained, b"{}", content_type="application/json")
    except AlreadyExists:
        return


class Retainer:
    """Goes through the results again and again; called time and again, it does one turn of that."""

    def __init__(self, tools: Tools, storage: Callable[[str], Storage]) -> None:
        """Make one; `storage` gives the storage that a URL lies in."""
        self._tools = tools
        self._storage = storage
        self._cursor = ""
        self._not_before = 0.0

    def __call__(self) -> int:
        """Do a turn, unless all was looked at not long ago; returns how many documents are done with.

        Raises `StorageError` that may pass: the next turn begins where this one did.
        """
        if time.monotonic() < self._not_before:
            return 0
        settings = self._tools.settings
        results = self._storage(settings.results)
        start = start_of(Location.parse(settings.results))
        count, last, looked = 0, "", 0
        for last in islice(result_keys(results, start, self._cursor), _KEYS):
            head, _, name = last.rpartition("/")
            if name == RETAINED:
                looked += 1
                count += self._look(results, Folder(head))
            if looked >= _DOCUMENTS:
                break
        self._cursor = last
        if not last:
            self._not_before = time.monotonic() + settings.retention.seconds
        return count

    def _look(self, results: Storage, folder: Folder) -> bool:
        """Do for a document what is due; says whether nothing will be due any more."""
        try:
            done = self._retain(results, folder)
        except (RequestLost, PreconditionFailed) as error:  # damaged, or changed by others: another time
            _log.warning("document %s: %s", folder.document, error)
            return False
        except StorageError as error:
            if error.retryable:
                raise
            _log.error("document %s cannot be retained as asked: %s", folder.document, error)
            return False
        if done:
            results.delete(folder.retained)
        return done

    def _retain(self, results: Storage, folder: Folder) -> bool:
        known = self._tools.store.listing.generations([folder.document]).get(folder.document)
        if known is not None and known[0] not in TERMINAL:
            return False
        records = read_records(results, folder)
        manifest, request = records.manifest, records.request
        if manifest is None or records.reopening is not None:
            return False
        if manifest.retention is None:
            if _others_open(results, folder, request):
                return False
            source = self._storage(request.source.root)
            settled = dispose(self._tools.settings, source, request, manifest)
            manifest = _note(results, folder, manifest, settled)
        if not self._expired(results, folder, request, manifest):
            return False
        return request.results_days is not None or _final(request, manifest)

    @staticmethod
    def _expired(results: Storage, folder: Folder, request: Request, manifest: Manifest) -> bool:
        """Remove results whose time is over; says whether there is nothing left that may go."""
        if request.results_days is None:
            return True
        noted = manifest.retention or Retention()
        if noted.expired is None:
            if time.time() < manifest.timings.finished + request.results_days * _DAY:
                return False
            _note(results, folder, manifest, noted.model_copy(update={"expired": time.time()}))
        staying = {getattr(folder, name) for name in _STAYING}
        going = (info.key for info in results.list(f"{folder.key}/") if info.key not in staying)
        found = list(islice(going, _DELETIONS))
        for key in found:
            results.delete(key)
        return len(found) < _DELETIONS


def dispose(settings: Settings, source: Storage, request: Request, manifest: Manifest) -> Retention:
    """Do with a source what is asked for, and say what was done; only the version that was read is touched.

    What was not read without failure is left for whoever retries it, but is tagged. Raises `StorageError`.
    """
    disposal = Disposal.parse(request.retention)
    if disposal.act == "keep" or (disposal.act != "tag" and manifest.state != "succeeded"):
        return Retention()
    try:
        to = disposal.destination(Location.parse(request.source.root), settings.places())
        if to is not None:
            return _move(source, request, to, lambda place: open_storage(place, settings.s3))
        return _delete(source, request) if disposal.act == "delete" else _tag(source, request, manifest)
    except ValueError as error:  # the settings have changed since it was announced
        _log.error("the source of document %s stays: %s", request.id, error)
        return Retention()
    except (Changed, NotFound):
        return Retention(source="changed")


def _delete(source: Storage, request: Request) -> Retention:
    read = request.source
    source.delete(read.key, version=read.version, etag=read.etag)
    return Retention(source="deleted")


def _tag(source: Storage, request: Request, manifest: Manifest) -> Retention:
    read = request.source
    if source.head(read.key, read.version).etag != read.etag:
        return Retention(source="changed")
    tags = {"pageline-state": manifest.state, "pageline-document": manifest.id}
    source.tag(read.key, tags, version=read.version)
    return Retention(source="tagged")


def _move(
    source: Storage, request: Request, to: Location, storage_of: Callable[[Location], Storage]
) -> Retention:
    """Copy, then delete; where the name is taken by something else, the document's id goes behind it.

    Where it is taken by a copy of the very same, an earlier try got as far as that, and failed to delete.
    """
    read = request.source
    root = start_of(Location.parse(read.root))
    target = to.join(read.key.removeprefix(root))
    try:
        source.copy(read.key, target, version=read.version, etag=read.etag)
    except AlreadyExists:
        if not _same_content(source, read, storage_of(target), target.key):
            target = to.join(f"{read.key.removeprefix(root)}.{request.id}")
            with suppress(AlreadyExists):  # an earlier try had got as far as this
                source.copy(read.key, target, version=read.version, etag=read.etag)
    source.delete(read.key, version=read.version, etag=read.etag)
    return Retention(source="moved", moved_to=target.uri)


def _same_content(source: Storage, read: Source, there: Storage, key: str) -> bool:
    """Say whether `key` holds what was read: by the ETag, which a copy may have kept, else byte by byte."""
    ours, theirs = source.head(read.key, read.version), there.head(key)
    if read.etag is not None and ours.etag != read.etag:
        raise Changed(f"{read.uri} has changed")
    if ours.size != theirs.size or ours.etag == theirs.etag:
        return ours.size == theirs.size
    return all(
        source.read(read.key, start=start, end=start + _CHUNK, version=read.version)
        == there.read(key, start=start, end=start + _CHUNK)
        for start in range(0, ours.size, _CHUNK)
    )


def _others_open(results: Storage, folder: Folder, request: Request) -> bool:
    """Say whether another document of the same source is still to be read: then it must stay."""
    if Disposal.parse(request.retention).act not in _TAKING:
        return False
    beside = f"{folder.key.rpartition('/')[0]}/"
    return any(entry.open for entry in documents(result_keys(results, beside)))


def _final(request: Request, manifest: Manifest) -> bool:
    """Say whether the source's fate can still change: with a retry that succeeds, it can."""
    taking = Disposal.parse(request.retention).act in _TAKING
    return not taking or manifest.state in {"succeeded", "superseded", "rejected"}


def _note(results: Storage, folder: Folder, manifest: Manifest, noted: Retention) -> Manifest:
    """Write into the manifest what has been done. Raises `PreconditionFailed` when it is another by now."""
    etag = results.head(folder.manifest).etag
    if read_manifest(results, folder) != manifest:
        raise PreconditionFailed(f"{folder.manifest} was changed meanwhile")
    written = manifest.model_copy(update={"retention": noted})
    data = written.model_dump_json(indent=1).encode()
    results.replace(folder.manifest, data, if_match=etag, content_type="application/json")
    return written
