"""Ends a document: its manifest is written, then its state becomes terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from infra.errors import AlreadyExists
from infra.status.states import DocumentState
from tasks.context import Context
from tasks.places import Folder
from tasks.records import Manifest, PageEntry, PipelineRecord, Request, StoredFile, Timings

_log = logging.getLogger(__name__)


def conclude(
    context: Context,
    request: Request,
    folder: Folder,
    *,
    generation: int,
    state: DocumentState,
    reason: str | None,
    pages: Sequence[PageEntry] = (),
    outputs: Sequence[StoredFile] = (),
    pipeline: PipelineRecord | None = None,
    stages: dict[str, float] | None = None,
    media_type: str | None = None,
) -> Manifest:
    """Write the manifest and end the document. One that is there already is adopted, with its state."""
    manifest = Manifest.model_validate(
        {
            "id": request.id,
            "generation": generation,
            "tenant": request.tenant,
            "source": request.source.model_copy(update={"media_type": media_type}),
            "state": state.value,
            "reason": reason,
            "pages": list(pages),
            "options": request.options,
            "pipeline": pipeline or request.pipeline,
            "outputs": list(outputs),
            "timings": Timings(created=request.created, finished=time.time(), stages=stages or {}),
        }
    )
    manifest = _write(context, folder, manifest)
    context.store.status.finish(request.id, generation, DocumentState(manifest.state), manifest.reason)
    _log.info("document %s is %s", request.id, manifest.state)
    return manifest


def _write(context: Context, folder: Folder, manifest: Manifest) -> Manifest:
    data = manifest.model_dump_json(indent=1).encode()
    try:
        context.results.create(folder.manifest, data, content_type="application/json")
    except AlreadyExists:
        return Manifest.model_validate_json(context.results.read(folder.manifest))
    return manifest
