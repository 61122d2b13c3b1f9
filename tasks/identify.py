"""Finds out which document an announcement means: its request, its folder, and how its options came to be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from infra.errors import Changed, NotFound, StorageError
from infra.retention import Disposal
from infra.settings import Settings
from infra.storage import Location, ObjectInfo, Storage
from tasks.identity import digest_of, document_id, pipeline_identity
from tasks.layers import layers
from tasks.ledger import RequestLost, read_request
from tasks.options import UNTOLD, DocumentOptions, Layer, Problem, Resolved, resolve
from tasks.places import Folder, folder_of
from tasks.records import DocumentRef, PipelineRecord, Request, Source, Verdict
from tasks.served import own_name, served_pipeline
from tasks.walk import documents, result_keys

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identified:
    """A document that was announced.

    Attributes:
        resolved: Its options; None where nobody could be asked for them.
    """

    request: Request
    folder: Folder
    resolved: Resolved | None


def identify(settings: Settings, storage: Callable[[str], Storage], ref: DocumentRef) -> Identified:
    """Find out which document is announced, with why it ends here if it does; changes nothing.

    Args:
        settings: Whose defaults, rules and permissions count.
        storage: Gives the storage that a URL lies in.
        ref: The announcement.

    Raises `StorageError` with `retryable` set when a later try may go further, and `InvalidLocation`.
    """
    root = Location.parse(ref.source)
    place = root.at(ref.key)
    info, verdict = _look(storage(ref.source), place.key, ref)
    if verdict is None and ref.tenant not in settings.tenants:
        verdict = Verdict(state="rejected", reason=f"There is no tenant {ref.tenant!r}.")
    if verdict is not None and verdict.state == "superseded":
        known = _known(settings, storage(settings.results), ref, place)
        if known is not None:
            return known
    resolved: Resolved | None = None
    if info is not None and verdict is None:
        resolved, verdict = _resolve(settings, storage, ref, place, info)
    request = _request(settings, ref, place, info, resolved, verdict)
    folder = folder_of(settings, document=request.id, tenant=ref.tenant, source=root, key=ref.key)
    return Identified(request, folder, resolved)


def _look(storage: Storage, key: str, ref: DocumentRef) -> tuple[ObjectInfo | None, Verdict | None]:
    """Describe the source, unless it is not (or no longer) what was announced."""
    try:
        info = storage.head(key, ref.version)
    except (NotFound, Changed) as error:
        announced = ref.etag is not None or ref.version is not None
        return None, Verdict(state="superseded" if announced else "rejected", reason=error.public)
    except StorageError as error:
        if error.retryable:
            raise
        _log.error("a source cannot be looked at: %s", error)
        return None, Verdict(state="failed", reason=error.public)
    if ref.etag is not None and ref.version is None and ref.etag != info.etag:
        return None, Verdict(state="superseded", reason=Changed.public)
    return info, None


def _known(settings: Settings, results: Storage, ref: DocumentRef, place: Location) -> Identified | None:
    """Find the document that an earlier announcement of the same content has made, the first of several.

    Events repeat, hours later perhaps. By then retention or people may have taken the source away, and with
    it what the document's id was made from; what was asked of it then lies with its results.
    """
    root = Location.parse(ref.source)
    some = folder_of(settings, document="some", tenant=ref.tenant, source=root, key=ref.key)
    found = []
    for entry in documents(result_keys(results, some.key.removesuffix("some"))):
        with suppress(RequestLost):
            request = read_request(results, entry.folder)
            if _is_announced(request, ref, place, settings):
                found.append(Identified(request, entry.folder, None))
    return min(found, key=lambda one: one.request.created, default=None)


def _is_announced(request: Request, ref: DocumentRef, place: Location, settings: Settings) -> bool:
    """Whether a document is of the version and with the options that an announcement speaks of."""
    source = request.source
    same = source.etag == ref.etag if ref.version is None else source.version == ref.version
    if (request.tenant, source.uri) != (ref.tenant, place.uri) or not same or request.verdict is not None:
        return False
    asked = resolve([Layer("call", ref.options)], settings)
    wanted = asked.options.changing_the_result()
    differing = [name for name in ref.options if wanted.get(name) != request.options.get(name)]
    return not asked.problems and not differing


def _resolve(
    settings: Settings, storage: Callable[[str], Storage], ref: DocumentRef, place: Location, info: ObjectInfo
) -> tuple[Resolved | None, Verdict | None]:
    """Resolve the options of a source that is there."""
    try:
        resolved = resolve(layers(settings, storage, ref, place.key, info), settings)
    except StorageError as error:
        if error.retryable:
            raise
        _log.error("a sidecar cannot be read: %s", error)
        return None, Verdict(state="failed", reason=error.public)
    resolved = _with_disposal_checked(resolved, Location.parse(ref.source), settings)
    if resolved.problems:
        return resolved, Verdict(state="rejected", reason=resolved.problems[0].sentence)
    return resolved, None


def _with_disposal_checked(resolved: Resolved, root: Location, settings: Settings) -> Resolved:
    """Add the problem of a source that cannot be kept as its options say, if there is one."""
    said = resolved.options.retention
    try:
        Disposal.parse(said or "keep").destination(root, settings.places())
    except ValueError as error:
        sentence = f"The option retention is wrong: {error}"
        problem = Problem(resolved.origin("retention"), "retention", sentence)
        return Resolved(resolved.options, resolved.said, (*resolved.problems, problem))
    return resolved


def _request(
    settings: Settings,
    ref: DocumentRef,
    place: Location,
    info: ObjectInfo | None,
    resolved: Resolved | None,
    verdict: Verdict | None,
) -> Request:
    """Put a request together. An id without valid options is made from what the announcement said of them."""
    good = resolved if resolved is not None and not resolved.problems else None
    options = DocumentOptions() if good is None else good.options
    said: Mapping[str, Any] = options.changing_the_result()
    if good is None:
        said = {name: value for name, value in ref.options.items() if name not in UNTOLD}
    chosen = served_pipeline(options.pipeline, settings.pipeline)
    version = info.version if info is not None else ref.version
    etag = info.etag if info is not None else ref.etag
    identity = document_id(
        tenant=ref.tenant,
        place=place.bucket,
        key=place.key,
        version=version,
        etag=etag,
        pipeline=pipeline_identity(chosen),
        options=said,
    )
    size = info.size if info is not None else None
    days = settings.retention.results_days if options.results_days is None else options.results_days
    return Request(
        id=identity,
        tenant=ref.tenant,
        created=time.time(),
        source=Source(uri=place.uri, root=ref.source, key=place.key, version=version, etag=etag, size=size),
        options=options.changing_the_result(),
        priority=options.priority,
        device=options.device,
        pipeline=PipelineRecord(name=own_name(chosen), digest=digest_of(chosen)),
        callback=options.callback,
        secret=options.password_secret,
        retention=options.retention or settings.retention.sources,
        results_days=days,
        sequencer=ref.sequencer,
        verdict=verdict,
    )
