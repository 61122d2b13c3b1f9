"""Takes an announcement: finds out which document it is, and makes that document exist once."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import AlreadyExists, Changed, InvalidKey, NotFound, StorageError
from infra.settings import Settings
from infra.status.states import DocumentState
from infra.status.status import split_step
from infra.storage import Location, ObjectInfo, Storage
from pipelines import pipeline_digest
from tasks import options as opt
from tasks.conclude import conclude
from tasks.context import Context
from tasks.dispatch import send
from tasks.identity import document_id, pipeline_identity
from tasks.places import Folder, folder_of
from tasks.records import DocumentRef, Manifest, PipelineRecord, Request, Source

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a document ends before it was ever opened."""

    state: DocumentState
    reason: str


def ingest(context: Context, ref: DocumentRef) -> str | None:
    """Make the document exist and send it on its way; returns its id, None for what is no document.

    Raises `StorageError` with `retryable` set when a later try may go further.
    """
    if ref.key.endswith(opt.SIDECAR_SUFFIX):
        return None
    request, folder, verdict = _identify(context, ref)
    request, adopted = _create_request(context, folder, request)
    if adopted and _restore(context, folder, request):
        return request.id
    opened = context.store.status.open(request.id, _fields(request, folder))
    if opened.state is not DocumentState.RECEIVED:
        return request.id
    if verdict is not None:
        conclude(
            context, request, folder, generation=opened.generation, state=verdict.state, reason=verdict.reason
        )
    else:
        _log.info("document %s is %s", request.id, request.source.uri)
        send(context.tools, split_step(request.id, opened.generation))
    return request.id


def _identify(context: Context, ref: DocumentRef) -> tuple[Request, Folder, Verdict | None]:
    """Find out which document is announced: its request, its folder, and why it ends here, if it does."""
    root = Location.parse(ref.source)
    place = Location(root.scheme, root.bucket, f"{root.key}/{ref.key}" if root.key else ref.key)
    info, verdict = _look(context.storage(ref.source), place.key, ref)
    if verdict is None and ref.tenant not in context.settings.tenants:
        verdict = Verdict(DocumentState.REJECTED, f"There is no tenant {ref.tenant!r}.")
    options, said = opt.DocumentOptions(), ref.options
    if info is not None and verdict is None:
        try:
            options = _options(context, ref, place.key, info)
            said = options.changing_the_result()
        except opt.RejectedOptions as error:
            verdict = Verdict(DocumentState.REJECTED, str(error))
        except StorageError as error:
            if error.retryable:
                raise
            _log.error("a sidecar cannot be read: %s", error)
            verdict = Verdict(DocumentState.FAILED, error.public)
    request = _request(context.settings, ref, place, info, options, said)
    folder = folder_of(context.settings, document=request.id, tenant=ref.tenant, source=root, key=ref.key)
    return request, folder, verdict


def _request(
    settings: Settings,
    ref: DocumentRef,
    place: Location,
    info: ObjectInfo | None,
    options: opt.DocumentOptions,
    said: Mapping[str, Any],
) -> Request:
    """Put a request together; `said` are the options that make the document's id."""
    version = info.version if info is not None else ref.version
    etag = info.etag if info is not None else ref.etag
    size = info.size if info is not None else None
    identity = document_id(
        tenant=ref.tenant,
        place=place.bucket,
        key=place.key,
        version=version,
        etag=etag,
        pipeline=pipeline_identity(settings.pipeline),
        options=said,
    )
    return Request(
        id=identity,
        tenant=ref.tenant,
        created=time.time(),
        source=Source(uri=place.uri, root=ref.source, key=place.key, version=version, etag=etag, size=size),
        options=options.changing_the_result(),
        priority=options.priority,
        device=options.device,
        pipeline=_pipeline(settings),
    )


def _look(storage: Storage, key: str, ref: DocumentRef) -> tuple[ObjectInfo | None, Verdict | None]:
    """Describe the source, unless it is not (or no longer) what was announced."""
    try:
        info = storage.head(key, ref.version)
    except (NotFound, Changed) as error:
        announced = ref.etag is not None or ref.version is not None
        state = DocumentState.SUPERSEDED if announced else DocumentState.REJECTED
        return None, Verdict(state, error.public)
    except StorageError as error:
        if error.retryable:
            raise
        _log.error("a source cannot be looked at: %s", error)
        return None, Verdict(DocumentState.FAILED, error.public)
    if ref.etag is not None and ref.version is None and ref.etag != info.etag:
        return None, Verdict(DocumentState.SUPERSEDED, Changed.public)
    return info, None


def _options(context: Context, ref: DocumentRef, key: str, info: ObjectInfo) -> opt.DocumentOptions:
    settings = context.settings
    privileged = settings.sidecar_privileges
    layers = [settings.defaults, *opt.from_rules(settings.rules, ref.key)]
    layers.append(opt.from_metadata(info.metadata, privileged=privileged))
    try:
        sidecar = context.storage(ref.source).read(f"{key}{opt.SIDECAR_SUFFIX}", end=opt.MAX_SIDECAR_BYTES)
        layers.append(opt.from_sidecar(sidecar, privileged=privileged))
    except (NotFound, InvalidKey):  # a name that cannot be, for its length perhaps, is no sidecar's
        pass
    return opt.resolve([*layers, ref.options])


def _pipeline(settings: Settings) -> PipelineRecord:
    chosen = settings.pipeline
    return PipelineRecord(name=chosen.name, digest=pipeline_digest(chosen.config or chosen.name))


def _create_request(context: Context, folder: Folder, request: Request) -> tuple[Request, bool]:
    """Create `request.json`, or read the one that is there; says whether it was there."""
    try:
        data = request.model_dump_json(indent=1).encode()
        context.results.create(folder.request, data, content_type="application/json")
    except AlreadyExists:
        return context.request(folder), True
    return request, False


def _restore(context: Context, folder: Folder, request: Request) -> bool:
    """Tell Redis of a document that has ended and that it has forgotten; says whether it has ended."""
    known = context.store.listing.document(request.id)
    if known is not None:
        return known.terminal
    try:
        manifest = Manifest.model_validate_json(context.results.read(folder.manifest))
    except NotFound:
        return False
    done = sum(page.state == "done" for page in manifest.pages)
    counted = {
        "pages": str(len(manifest.pages)),
        "done": str(done),
        "failed": str(len(manifest.pages) - done),
        "reason": manifest.reason or "",
        "finished": str(manifest.timings.finished),
    }
    fields = _fields(request, folder) | counted
    context.store.status.open(request.id, fields, state=DocumentState(manifest.state))
    return True


def _fields(request: Request, folder: Folder) -> dict[str, str]:
    return {
        "tenant": request.tenant,
        "priority": request.priority,
        "device": request.device or "",
        "source": request.source.uri,
        "folder": folder.key,
    }
