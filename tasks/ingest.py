"""Takes an announcement: finds out which document it is, and makes that document exist once."""

from __future__ import annotations

import logging
from typing import Protocol

from infra.errors import AlreadyExists
from infra.settings import Settings
from infra.storage import Storage
from infra.telemetry.tracing import traceparent
from tasks.context import Tools
from tasks.identify import identify
from tasks.ledger import read_manifest
from tasks.places import Folder
from tasks.records import DocumentRef, Request
from tasks.ref import SIDECAR_SUFFIX
from tasks.resume import begin, resume
from tasks.retention import mark

_log = logging.getLogger(__name__)


class Taking(Protocol):
    """What taking an announcement needs: a worker's context has it, and so has whoever serves requests."""

    @property
    def settings(self) -> Settings:
        """The settings."""
        ...

    @property
    def tools(self) -> Tools:
        """Status and queue."""
        ...

    @property
    def results(self) -> Storage:
        """Where results go."""
        ...

    def storage(self, uri: str) -> Storage:
        """Return the storage that `uri` lies in."""
        ...


def ingest(context: Taking, ref: DocumentRef) -> str | None:
    """Make the document exist and send it on its way; returns its id, None for what is no document.

    Raises `StorageError` with `retryable` set when a later try may go further.
    """
    if ref.key.endswith(SIDECAR_SUFFIX):
        return None
    found = identify(context.settings, context.storage, ref)
    trace = traceparent() or ref.traceparent
    request, folder = found.request.model_copy(update={"traceparent": trace}), found.folder
    if _create_request(context, folder, request):
        _log.info("document %s is %s", request.id, request.source.uri)
        mark(context.results, folder, request)
        begin(context.tools, folder, request)
    else:
        if read_manifest(context.results, folder) is None:  # whoever created it may have died before this
            mark(context.results, folder, request)
        resume(context.tools, context.results, folder, recall=True)
    return request.id


def _create_request(context: Taking, folder: Folder, request: Request) -> bool:
    """Create `request.json`; False when there is one, which counts."""
    try:
        data = request.model_dump_json(indent=1).encode()
        context.results.create(folder.request, data, content_type="application/json")
    except AlreadyExists:
        return False
    return True
