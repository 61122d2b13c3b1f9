"""Documents and their pages, to be looked at."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from infra.errors import NotFound
from infra.status import DocumentStatus
from infra.status.states import DocumentState
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.known import find
from worker.http.problems import Refusal
from worker.http.shapes import Detail, Documents
from worker.http.views import summary_of

_MOST = 200
_CURSOR = r"^[0-9]{1,12}(\.[0-9]{1,12})?-[0-9a-f]{1,32}$"
_JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}

DocumentId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="A document's id.")]
PageNumber = Annotated[int, Path(ge=1, le=99_999, description="A page's number, from 1.")]
IfNoneMatch = Annotated[str | None, Header(description="ETags of what the client has already.")]

router = APIRouter(tags=["documents"])


@router.get("/v1/documents")
async def list_documents(
    desk: DeskIs,
    caller: CallerIs,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    cursor: Annotated[str | None, Query(pattern=_CURSOR)] = None,
    state: Annotated[list[DocumentState] | None, Query(max_length=len(DocumentState))] = None,
    tenant: Annotated[str | None, Query(max_length=64)] = None,
) -> Documents:
    """List documents, newest first: all, or those in certain states, or of one tenant.

    A page may hold fewer than `limit` although more follow: what counts is `next`.
    """
    return await desk.run(_listed, desk, caller, limit, cursor, frozenset(state or ()), tenant)


@router.get("/v1/documents/{id}")
async def show_document(desk: DeskIs, caller: CallerIs, id: DocumentId) -> Detail:  # noqa: A002  -- the path's name
    """Show a document with its pages and outputs."""
    return await desk.run(lambda: find(desk, caller, id).detail())


@router.get("/v1/documents/{id}/pages/{number}", responses={200: _JSON}, response_class=Response)
async def read_page(
    desk: DeskIs,
    caller: CallerIs,
    id: DocumentId,  # noqa: A002  -- the path's name
    number: PageNumber,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read what was found on a page: the JSON that is stored for it, or the record of its failure."""

    def look() -> bytes:
        known = find(desk, caller, id)
        try:
            return desk.results.read(known.folder.page(number))
        except NotFound:
            raise Refusal(404, f"Page {number} of the document has no result, or not yet.") from None

    data = await desk.run(look)
    return unless_known(data, "application/json", if_none_match)


def unless_known(data: bytes, media_type: str, if_none_match: str | None, **headers: str) -> Response:
    """Answer with `data`, or that the client has it already."""
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    sent = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=sent)
    return Response(data, media_type=media_type, headers=sent)


def _listed(
    desk: Desk,
    caller: Caller,
    limit: int,
    cursor: str | None,
    states: frozenset[DocumentState],
    tenant: str | None,
) -> Documents:
    def fits(document: DocumentStatus) -> bool:
        asked = tenant in (None, document.tenant) and (not states or document.state in states)
        return asked and caller.may_see(document.tenant)

    after: tuple[float, str] | None = None
    if cursor is not None:
        at, _, identity = cursor.partition("-")
        after = float(at), identity
    found, behind = desk.store.listing.browse(limit, after, fits)
    of_pages = desk.store.listing.page_states([one.id for one in found]) if found else []
    summaries = [summary_of(one, text, desk.settings) for one, text in zip(found, of_pages, strict=True)]
    following: Any = None if behind is None else f"{behind[0]:.9f}-{behind[1]}"
    return Documents(documents=summaries, next=following)
