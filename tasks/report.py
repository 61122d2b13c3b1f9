"""Who is to be told how a document ended, and what: the letters that come into the outbox with its end.

Redis may forget its outbox. So `callbacks.json` is written before the manifest, and goes when everybody has
been told: whoever finds it beside a manifest, with nothing in the outbox, tells of that end again. It is
there only while something is owed, so a listing shows what is, and whom nobody waits for costs nothing.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from infra.notify import DocumentFinished, Outcome, Output, PageCounts, SourceObject
from infra.settings import Settings
from infra.status import DocumentStatus
from infra.status.outbox import Letter
from infra.storage import Location, Storage
from tasks.context import Tools
from tasks.ledger import Records, read_manifest, read_owing, settle_owing, write_owing
from tasks.places import Folder
from tasks.records import Manifest, Owing, Request


def owe(settings: Settings, storage: Storage, folder: Folder, request: Request, generation: int) -> bool:
    """Write down that a generation's end will have to be told; call it before its manifest is written.

    Returns whether it has to be told: not when nobody wants to know, nor when it had ended and was told of.
    """
    if not _told(settings, request):
        return False
    ended = read_manifest(storage, folder)
    if ended is not None and ended.generation >= generation:
        return read_owing(storage, folder) is not None
    write_owing(storage, folder, Owing(generation=generation))
    return True


def letters_about(settings: Settings, folder: Folder, request: Request, manifest: Manifest) -> list[Letter]:
    """Return the letters about an end; the same each time."""
    event = _event(settings, folder, manifest, request.traceparent).body().decode()
    return [Letter(target, event) for target in _told(settings, request)]


def letters_without_records(settings: Settings, document: DocumentStatus, reason: str) -> list[Letter]:
    """Return the letters about a document that failed because its request is gone from storage."""
    settled = document.done + document.failed
    counts = PageCounts(
        total=document.pages or 0,
        done=document.done,
        failed=document.failed,
        cancelled=max(0, (document.pages or 0) - settled),
    )
    outcome = Outcome(
        id=document.id,
        generation=document.generation,
        tenant=document.tenant,
        source=SourceObject(uri=document.source),
        state="failed",
        reason=reason,
        pages=counts,
    )
    event = _enveloped(settings, outcome, time.time()).body().decode()
    return [Letter(target, event) for target in _targets(settings, document.tenant, ())]


def tell_again(tools: Tools, storage: Storage, folder: Folder, records: Records) -> list[Letter]:
    """Return the letters about an end that storage says is owed and the outbox does not know of."""
    owing = read_owing(storage, folder)
    manifest = records.manifest
    if owing is None or manifest is None:
        return []
    (left,) = tools.store.outbox.owed([(manifest.id, manifest.generation)])
    if left is None:
        return letters_about(tools.settings, folder, records.request, manifest)
    if left <= 0:  # whoever delivered the last letter died before it could say so here
        settle_owing(storage, folder, manifest.generation)
    return []


def _told(settings: Settings, request: Request) -> tuple[str, ...]:
    return () if request.options.get("trial") else _targets(settings, request.tenant, request.callback)


def _targets(settings: Settings, tenant: str, own: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*settings.notify.told(tenant), *own]))


def _event(settings: Settings, folder: Folder, manifest: Manifest, trace: str | None) -> DocumentFinished:
    states = [page.state for page in manifest.pages]
    source = manifest.source
    outcome = Outcome(
        id=manifest.id,
        generation=manifest.generation,
        tenant=manifest.tenant,
        source=SourceObject(
            uri=source.uri,
            version=source.version,
            etag=source.etag,
            size=source.size,
            media_type=source.media_type,
        ),
        state=manifest.state,
        reason=manifest.reason,
        pages=PageCounts(
            total=len(states),
            done=states.count("done"),
            failed=states.count("failed"),
            cancelled=states.count("cancelled"),
        ),
        manifest=_uri(settings, folder.manifest),
        outputs=[Output(name=file.name, uri=_uri(settings, file.key)) for file in manifest.outputs],
    )
    return _enveloped(settings, outcome, manifest.timings.finished, trace)


def _enveloped(
    settings: Settings, outcome: Outcome, ended: float, trace: str | None = None
) -> DocumentFinished:
    return DocumentFinished(
        id=f"{outcome.id}:{outcome.generation}",
        source=settings.results,
        subject=outcome.source.uri,
        time=datetime.fromtimestamp(ended, UTC),
        traceparent=trace,
        data=outcome,
    )


def _uri(settings: Settings, key: str) -> str:
    results = Location.parse(settings.results)
    return Location(results.scheme, results.bucket, key).uri
