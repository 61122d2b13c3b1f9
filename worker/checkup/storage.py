"""Storage: whether results can be written as they must be, and sources read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from uuid import uuid4

from infra.errors import AlreadyExists, InfraError, PreconditionFailed, StorageError
from infra.settings import Settings
from infra.storage import Location, Storage
from infra.storage.wiring import told_by
from tasks.context import storage_at
from worker.checkup.finding import Finding, good, looked, problem, unknown, warning

_TEXT = "text/plain"
_PERMIT = "let the credentials list, read, write and delete there, and let PAGELINE_S3__* name the server"
_SKEW_SECONDS = 60.0  # S3 refuses requests whose clock is a quarter of an hour off
_BRIDGE = "run `pageline bridge`, or set up the bucket's notifications; docs/events-in.md says how"


def check_results(settings: Settings) -> Iterator[Finding]:
    """Write, read, list and delete an object below the results, and see that conditions are honoured."""
    place = Location.parse(settings.results)
    storage = storage_at(settings.results, settings.s3)
    key = f"{place.key}/.pageline-doctor-{uuid4().hex}".lstrip("/")
    try:
        yield from _write(storage, key, place)
    finally:
        storage.delete(key)
    yield good("results", f"{place} can be listed, written, read and deleted")


def _write(storage: Storage, key: str, place: Location) -> Iterator[Finding]:
    before = time.time()
    info = storage.create(key, b"one", content_type=_TEXT)
    after = time.time()
    if storage.read(key) != b"one":
        yield problem("results", f"{place} gives back something else than was written", "take another server")
    if not any(found.key == key for found in storage.list(key)):
        yield problem("results", f"{place} does not list what was just written", "take another server")
    yield _conditional(storage, key, info.etag)
    yield _clock(info.modified.timestamp() - (before + after) / 2, place)


def _conditional(storage: Storage, key: str, etag: str) -> Finding:
    """Say whether two workers can write the same result without one overwriting the other."""
    about, todo = "conditional writes", "take a server that honours If-None-Match and If-Match"
    if not _refused(AlreadyExists, lambda: storage.create(key, b"two", content_type=_TEXT)):
        return problem(about, "an object that was there was overwritten in spite of If-None-Match", todo)
    storage.replace(key, b"three", if_match=etag, content_type=_TEXT)
    again = lambda: storage.replace(key, b"four", if_match=etag, content_type=_TEXT)  # noqa: E731  -- used once
    if not _refused(PreconditionFailed, again):
        return problem(about, "an object that had changed was replaced in spite of If-Match", todo)
    return good(about, "an object is created once and replaced only as it is known")


def _refused(error: type[StorageError], write: Callable[[], object]) -> bool:
    try:
        write()
    except error:
        return True
    return False


def _clock(skew: float, place: Location) -> Finding:
    said = f"{skew:+.1f} s between {place.scheme}://{place.bucket} and this host"
    if abs(skew) > _SKEW_SECONDS:
        return problem("clock of the storage", said, "set both clocks by NTP")
    return good("clock of the storage", said)


def check_uploads(settings: Settings) -> Iterator[Finding]:
    """Write and remove an object where the HTTP service keeps uploads, if it takes any."""
    if settings.http.uploads is None:
        return
    place = Location.parse(settings.http.uploads)
    storage = storage_at(settings.http.uploads, settings.s3)
    key = f"{place.key}/.pageline-doctor-{uuid4().hex}".lstrip("/")
    try:
        storage.create(key, b"one", content_type=_TEXT)
    finally:
        storage.delete(key)
    yield good("uploads", f"{place} can be written")


def check_sources(settings: Settings) -> Iterator[Finding]:
    """See that every source can be listed and read, and what tells of uploads there."""
    if not settings.sources:
        yield warning(
            "sources", "none are named", "set PAGELINE_SOURCES, or nothing that is uploaded belongs to any"
        )
    for uri in settings.sources:
        yield from looked(f"source {uri}", lambda uri=uri: _source(settings, uri), _PERMIT)  # type: ignore[misc]  # mypy knows no default of a lambda


def _source(settings: Settings, uri: str) -> Iterator[Finding]:
    place = Location.parse(uri)
    storage = storage_at(uri, settings.s3)
    found = next(islice(storage.list(f"{place.key}/" if place.key else ""), 1), None)
    if found is not None and found.size:
        storage.read(found.key, start=0, end=1)
    yield good(f"source {uri}", "can be listed" + (" and read" if found is not None else "; it is empty"))
    yield _wiring(settings, place)


def _wiring(settings: Settings, place: Location) -> Finding:
    about = f"events of {place}"
    if place.scheme == "file":
        return unknown(
            about, "a folder tells nobody of its files", "run `pageline bridge FOLDER` beside the fleet"
        )
    try:
        told = told_by(place, settings.s3)
    except InfraError as error:
        return unknown(about, f"the bucket does not say whom it tells: {error}", _BRIDGE)
    if not told:
        return warning(about, "the bucket tells nobody of uploads", _BRIDGE)
    return good(about, f"the bucket tells {', '.join(told)}")
