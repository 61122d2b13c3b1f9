"""A document's progress as server-sent events.

The id of an event is the state of all pages that its reader has been told of, packed. So a reader that comes
back, to whichever process of the service, hears what has changed since, and nothing has to be kept for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from infra.status import DocumentStatus
from infra.status.states import PageState
from worker.http.caller import CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.documents import DocumentId
from worker.http.hall import Hall
from worker.http.known import find
from worker.http.problems import RETRY_SECONDS, Refusal
from worker.http.views import label_of, summary_of
from worker.http.watch import Watch

_QUIET_SECONDS = 15.0  # proxies cut connections that say nothing
_MOST_PAGES = 100_000
_STREAM = {
    "description": "Events `document` (a summary), `page` ({number, state, reason}) and, at last, `end`.",
    "content": {"text/event-stream": {"schema": {}}},
}

router = APIRouter(tags=["documents"])


@router.get(
    "/v1/documents/{id}/events",
    response_class=StreamingResponse,
    responses={200: _STREAM, 204: {"description": "Nothing more will happen."}},
)
async def follow_document(
    request: Request,
    desk: DeskIs,
    caller: CallerIs,
    id: DocumentId,  # noqa: A002  -- the path's name
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Follow a document: how it stands, then whatever changes, until it has ended.

    With `Last-Event-ID`, what has changed since that event.
    """
    known = await desk.run(find, desk, caller, id)
    hall: Hall = request.app.state.hall
    watch = hall.watch
    generation, seen = unpacked(last_event_id)
    if known.status.terminal and generation == known.status.generation:
        (states,) = await desk.run(desk.store.listing.page_states, [id])
        if states == seen:
            return Response(status_code=204)
    if len(watch) >= desk.settings.http.streams:
        raise Refusal(503, "Too many clients follow documents; try again.", retry_after=RETRY_SECONDS)
    hall.renderer.warm()  # who follows a document will want to see its pages
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    events = _events(desk, watch, id, generation, seen)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def packed(generation: int, states: str) -> str:
    """Return an event's id."""
    return f"{generation}-{base64.urlsafe_b64encode(zlib.compress(states.encode(), 1)).decode()}"


def unpacked(text: str | None) -> tuple[int, str]:
    """Return generation and states of an event's id; 0 and nothing for one that is none of ours."""
    number, _, rest = (text or "").partition("-")
    try:
        data = zlib.decompressobj().decompress(base64.urlsafe_b64decode(rest), _MOST_PAGES)
        states = data.decode("ascii")
        _ = [PageState(state) for state in states]
        return int(number), states
    except (ValueError, zlib.error, binascii.Error):
        return 0, ""


async def _events(desk: Desk, watch: Watch, document: str, generation: int, seen: str) -> AsyncIterator[str]:
    async with watch.following(document) as follower:
        while True:
            look = await follower.change(_QUIET_SECONDS)
            if look is None:
                yield ": still here\n\n"
                continue
            if look.document is None:
                yield _event("end", {"id": document, "state": None, "reason": "The document was deleted."})
                return
            if look.document.generation != generation:
                generation, seen = look.document.generation, ""
            reasons = await _reasons(desk, look.document)
            for text in _page_events(seen, look.states, reasons):
                yield text
            seen = look.states
            summary = summary_of(look.document, look.states, desk.settings)
            yield _event("document", summary.model_dump(mode="json"), packed(generation, seen))
            if look.document.terminal:
                ended = {"id": document, "state": look.document.state, "reason": look.document.reason}
                yield _event("end", ended)
                return


async def _reasons(desk: Desk, document: DocumentStatus) -> Mapping[int, str]:
    return await desk.run(desk.store.listing.reasons, document.id) if document.failed else {}


def _page_events(before: str, states: str, reasons: Mapping[int, str]) -> Iterator[str]:
    for number, (old, new) in enumerate(zip_longest(before, states), 1):
        if new is None or old == new:
            continue
        label = label_of(new)
        if label != (label_of(old) if old is not None else "pending"):
            reason = reasons.get(number) if label == "failed" else None
            yield _event("page", {"number": number, "state": label, "reason": reason})


def _event(name: str, data: Mapping[str, Any], identity: str | None = None) -> str:
    head = "" if identity is None else f"id: {identity}\n"
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
