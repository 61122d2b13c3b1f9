"""Pages as pictures: what the lines of a page's JSON were found on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from infra.errors import Changed, NotFound
from pipelines.errors import LimitExceeded
from tasks.ledger import RequestLost, read_request
from tasks.limits import checked_while_fetched, read_limits
from tasks.records import Request as Asked
from tasks.secrets import SecretUnavailable, password
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.documents import DocumentId, IfNoneMatch, PageNumber
from worker.http.hall import Hall
from worker.http.known import Known, find
from worker.http.problems import Refusal
from worker.http.rendering import NotRendered, PageRenderer, PageRequest

_PICTURE = {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}

router = APIRouter(tags=["documents"])


@router.get("/v1/documents/{id}/pages/{number}/image", response_class=Response, responses={200: _PICTURE})
async def show_page(
    request: Request,
    desk: DeskIs,
    caller: CallerIs,
    id: DocumentId,  # noqa: A002  -- the path's name
    number: PageNumber,
    max_side: Annotated[int, Query(ge=64, le=4096)] = 1600,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Show a page as it was read, upright and flat: the JSON's coordinates fit it, times one factor."""
    known, page = await desk.run(_find, desk, caller, id, number)
    hall: Hall = request.app.state.hall
    renderer = hall.renderer
    version = hashlib.sha256(json.dumps([page.get("transform"), page.get("dpi")]).encode()).hexdigest()[:16]
    key = (id, number, max_side, version)
    data = renderer.kept(key)
    if data is None:
        data = await picture_of(desk, renderer, known, number, page, max_side)
        renderer.keep(key, data)
    etag = f'"{version}-{max_side}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=300"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/jpeg", headers=headers)


async def picture_of(
    desk: Desk,
    renderer: PageRenderer,
    known: Known,
    number: int,
    page: Mapping[str, Any],
    max_side: int | None,
) -> bytes:
    """Render a page of a document; `page` is what its JSON says of it. Raises `Refusal` with 404."""
    try:
        asked = await desk.run(read_request, desk.results, known.folder)
        limits = read_limits(desk.settings)
        told = checked_while_fetched(limits, asked.source, lambda: None)
        with ExitStack() as stack:
            fetched = desk.sources.source(asked.source, asked.tenant, desk.storage, told)
            path = await desk.run(stack.enter_context, fetched)
            wanted = PageRequest(
                path=path,
                number=number,
                dpi=float(page.get("dpi") or asked.options.get("dpi", 144)),
                limits=limits,
                password=_password(desk, asked),
                transform=page.get("transform"),
                max_side=max_side,
            )
            return await renderer.render(wanted)
    except (NotFound, Changed) as error:
        raise Refusal(404, "The document's source is no longer there.", kind="source-gone") from error
    except (RequestLost, SecretUnavailable) as error:
        raise Refusal(404, error.public, kind="no-picture") from error
    except (NotRendered, LimitExceeded) as error:
        raise Refusal(404, str(error), kind="no-picture") from error


def _password(desk: Desk, asked: Asked) -> str | None:
    return password(asked.secret, desk.settings.secrets)


def _find(desk: Desk, caller: Caller, document: str, number: int) -> tuple[Known, Mapping[str, Any]]:
    """Return a document, and what its page's JSON says of the page; nothing where that is not there yet."""
    known = find(desk, caller, document)
    try:
        content = json.loads(desk.results.read(known.folder.page(number)))
        page: Mapping[str, Any] = content["page"]
    except (NotFound, ValueError, KeyError):
        return known, {}
    return known, page
