"""The files that were made of a document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from infra.errors import NotFound
from infra.storage import Location, ObjectInfo
from infra.storage.presign import presigned
from tasks.places import MANIFEST
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.documents import DocumentId, IfNoneMatch
from worker.http.known import find
from worker.http.problems import Refusal
from worker.http.ranges import part_of
from worker.http.views import TEXTUAL, media_type_of

_CHUNK = 1 << 20
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"*/*": {"schema": {}}}},
    206: {"description": "The part that was asked for."},
    304: {"description": "The client has it already."},
    307: {"description": "A link to the storage, which holds for a while."},
}

router = APIRouter(tags=["documents"])


@dataclass(frozen=True, slots=True)
class _File:
    """A file among the results; `link` leads to it without passing through here."""

    info: ObjectInfo
    media_type: str
    disposition: str
    link: str | None


@router.head("/v1/documents/{id}/outputs/{name}", include_in_schema=False)
@router.get("/v1/documents/{id}/outputs/{name}", response_class=Response, responses=_ANSWERS)
async def read_output(
    desk: DeskIs,
    caller: CallerIs,
    id: DocumentId,  # noqa: A002  -- the path's name
    name: Annotated[str, Path(max_length=100, description="As the document's `outputs` names it.")],
    wanted: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read an output, or a part of it; one in a bucket is answered with a link there."""
    file = await desk.run(_find, desk, caller, id, name)
    etag = f'"{file.info.etag}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    if file.link is not None:
        return RedirectResponse(file.link, 307, {"Cache-Control": "no-store"})
    part = part_of(wanted, file.info.size) if if_range in (None, etag) else None
    start, end = part or (0, file.info.size)
    headers |= {"Content-Disposition": file.disposition, "Content-Length": str(end - start)}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.info.size}"
    body = _bytes(desk, file.info, start, end)
    return StreamingResponse(body, 200 if part is None else 206, headers, file.media_type)


def _find(desk: Desk, caller: Caller, document: str, name: str) -> _File:
    known = find(desk, caller, document)
    ended = known.ended()
    keys = {} if ended is None else {file.name: file.key for file in ended.manifest.outputs}
    keys[MANIFEST] = known.folder.manifest
    absent = Refusal(404, "The document has no such output, or not yet.")
    if ended is None or name not in keys:
        raise absent
    try:
        info = desk.results.head(keys[name])
    except NotFound:
        raise absent from None
    media_type = media_type_of(name)
    if media_type.startswith(("text/", "application/json")):
        media_type += TEXTUAL
    disposition = _disposition(known.summary().name, name)
    return _File(info, media_type, disposition, _link(desk, info.key, disposition))


def _link(desk: Desk, key: str, disposition: str) -> str | None:
    results = Location.parse(desk.settings.results)
    if results.scheme != "s3" or not desk.settings.http.redirect:
        return None
    uri, seconds = Location("s3", results.bucket, key).uri, desk.settings.http.link_seconds
    return presigned(uri, s3=desk.settings.s3, seconds=seconds, disposition=disposition)


def _disposition(document: str, output: str) -> str:
    """Have browsers save `letter.pdf`'s `document.txt` as `letter.txt`; nothing of it is shown from here."""
    stem = PurePosixPath(document).stem or "document"
    name = f"{stem}{output.removeprefix('document')}" if output.startswith("document.") else output
    plain = re.sub(r"[^ !#-$&-\[\]-~]", "_", name)  # a quoted string without escapes
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _bytes(desk: Desk, info: ObjectInfo, start: int, end: int) -> AsyncIterator[bytes]:
    for at in range(start, end, _CHUNK):
        yield await desk.run(desk.results.read, info.key, start=at, end=min(end, at + _CHUNK))
