"""`POST /ocr`: PaddleX's basic serving, through the queue."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
import uuid
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from infra.errors import InfraError
from infra.status import DocumentStatus
from infra.status.fleet import CONTROL
from infra.status.states import DocumentState
from pipelines.read.url import is_url
from tasks.places import Folder
from worker.http.actions import clear_folders, remove, stop
from worker.http.bodies import body_as
from worker.http.bringing import announce, check_options, store, uploads_of
from worker.http.caller import CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.fetching import fetched
from worker.http.hall import Hall
from worker.http.known import Known
from worker.http.ocr_reply import reply_about
from worker.http.ocr_shapes import OcrError, OcrReply, OcrRequest
from worker.http.problems import OCR_PATH, RETRY_SECONDS, Refusal
from worker.http.watch import Watch

_log = logging.getLogger(__name__)

_FOLDER: Final = "ocr"  # among the uploads; other uploads are in folders that digests name
_PARTING_SECONDS = 60.0  # in which a document that was stopped should have ended
_PRESENT_SECONDS = 2.0  # after which it is looked whether anybody still waits
_BUSY = 503
_STATUS: Final = {DocumentState.REJECTED: 422, DocumentState.CANCELLED: _BUSY}

router = APIRouter(tags=["PaddleX"])


@router.post(
    OCR_PATH, responses={200: {"model": OcrReply}, "default": {"model": OcrError}}, response_model=None
)
async def ocr(request: Request, desk: DeskIs, caller: CallerIs) -> Response:
    """Read a picture, or the first pages of a PDF, and wait for it. PaddleX's clients work as they are."""
    tenant = caller.acting_for(None, desk.settings)
    hall: Hall = request.app.state.hall
    async with hall.admission.one(tenant):
        asked = await _asked(request, desk)
        until = time.monotonic() + desk.settings.http.ocr_seconds
        document = await _brought(desk, tenant, asked)
        try:
            ended = await _ended(request, desk, hall.watch, document, until)
            reply = await reply_about(Known(desk, ended), hall.renderer, asked, until)
        finally:
            hall.errands.start(_remove(desk, hall.watch, document))
    return JSONResponse(reply.model_dump(by_alias=True))


async def _asked(request: Request, desk: Desk) -> OcrRequest:
    """Read what is asked, which may be a whole document: only so many at once, and not for ever."""
    http = desk.settings.http
    try:
        async with asyncio.timeout(http.ocr_seconds):
            return await body_as(OcrRequest, request, http.max_bytes)
    except TimeoutError:
        raise Refusal(408, f"The request did not come whole within {http.ocr_seconds:g} s.") from None


async def _brought(desk: Desk, tenant: str, asked: OcrRequest) -> DocumentStatus:
    """Put the input among the uploads, for itself alone, and have it read before others."""
    workers = await desk.run(desk.store.fleet.workers)
    if not desk.settings.cold_kinds and all(worker.kind == CONTROL for worker in workers):
        raise Refusal(503, "No worker reads at the moment; try again.", retry_after=RETRY_SECONDS)
    pages = desk.settings.http.ocr_pages
    check_options(asked.options(), desk.settings)
    options: dict[str, Any] = {
        **asked.options(),
        **({"pages": f"1-{pages}"} if pages else {}),
        "visualize": asked.pictured,
        "visualize_format": "jpg",
        "outputs": ["json"],
        "priority": "high",
        "retention": "delete",  # should this process die before it tidies up
        "results_days": 1,
    }
    with desk.fetching(is_url(asked.file)):
        return await desk.run(_take, desk, tenant, asked.file, options)


def _take(desk: Desk, tenant: str, file: str, options: dict[str, Any]) -> DocumentStatus:
    key = f"{_FOLDER}/{uuid.uuid4().hex}"
    if is_url(file):
        with fetched(desk, file, None) as content:
            ref = store(desk, tenant, key, content.data)
    else:
        ref = store(desk, tenant, key, _decoded(file))
    return announce(desk, ref, options)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "file: it is neither an address nor base64.") from None


async def _ended(
    request: Request, desk: Desk, watch: Watch, document: DocumentStatus, until: float
) -> DocumentStatus:
    """Wait for a document to have been read. Raises `Refusal`: in time it has not, or it cannot be."""
    async with watch.following(document.id) as follower:
        while (left := until - time.monotonic()) > 0:
            look = await follower.change(min(left, _PRESENT_SECONDS))
            if look is not None and look.document is not None and look.document.terminal:
                return await _read(desk, look.document)
            if look is None and await request.is_disconnected():
                raise Refusal(503, "Whoever asked has left.")
    sentence = f"The document was not read within {desk.settings.http.ocr_seconds:g} s; try again later."
    raise Refusal(503, sentence, retry_after=RETRY_SECONDS)


async def _read(desk: Desk, ended: DocumentStatus) -> DocumentStatus:
    """Return a document that was read without failure. Raises `Refusal` with the reason for any other."""
    if ended.state is DocumentState.SUCCEEDED:
        return ended
    reasons = await desk.run(desk.store.listing.reasons, ended.id)
    pages = (f"Page {page}: {reason}" for page, reason in sorted(reasons.items()))
    detail = ended.reason or next(pages, "The document was not read.")
    status = _STATUS.get(ended.state, 500)
    raise Refusal(status, detail, retry_after=RETRY_SECONDS if status == _BUSY else None)


async def _remove(desk: Desk, watch: Watch, document: DocumentStatus) -> None:
    """Remove what a request has left behind: results and input."""
    known = Folder(document.folder)
    try:
        if not await desk.run(remove, desk, known):
            await desk.run(stop, desk, known)
            async with asyncio.timeout(_PARTING_SECONDS), watch.following(document.id) as follower:
                while not await desk.run(remove, desk, known):
                    await follower.change(_PARTING_SECONDS)
        await desk.run(_remove_input, desk, document)
    except (InfraError, TimeoutError) as error:
        # Its retention does the same within a day.
        _log.warning("what is left of a request stays until its retention removes it: %s", error)


def _remove_input(desk: Desk, document: DocumentStatus) -> None:
    """Remove what was uploaded, and the folder that its results had below those of all requests."""
    root = uploads_of(desk.settings, document.tenant)
    desk.storage(root.uri).delete(root.locate(document.source).key)
    clear_folders(desk.settings.results, document.folder.rpartition("/")[0])
