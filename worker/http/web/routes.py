"""The addresses of the page: `/`, its files, and the texts of a whole document for its search."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from infra.errors import NotFound
from infra.storage import Storage
from tasks.pagefiles import read_page, written_pages
from tasks.places import Folder
from worker.http.caller import CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.documents import DocumentId
from worker.http.known import find
from worker.http.problems import Refusal
from worker.http.web.files import INDEX, PageFile, page_files

# It runs its own scripts alone, talks to this service alone, and turns no text into markup.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASKED_EACH_TIME: Final = "no-cache"
_AT_ONCE = 16  # pages that are read side by side
_LAST_PAGE = 99_999


def router(desk: Desk) -> APIRouter:
    """Return the routes of the page; they are for browsers, and no part of the described interface."""
    del desk  # each request brings it
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/", show_page, methods=["GET", "HEAD"])
    routes.add_api_route("/assets/{version}/{name}", show_file, methods=["GET", "HEAD"])
    routes.add_api_route("/v1/documents/{id}/lines", read_lines, methods=["GET"])
    return routes


async def show_page(request: Request) -> Response:
    """Answer with the page; it holds no secret, its data come by the interface."""
    known = page_files()
    etag = f'"{known.version}"'
    headers = {"Cache-Control": _ASKED_EACH_TIME, "ETag": etag, "Content-Security-Policy": _POLICY}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _answer(request, known.files[INDEX], headers)


async def show_file(request: Request, version: str, name: str) -> Response:
    """Answer with a file of the page, whichever version is asked for: another process may have named it."""
    known = page_files()
    file = known.files.get(name)
    if file is None or name == INDEX:
        raise Refusal(404, "The page has no such file.")
    lasting = _FOR_EVER if version == known.version else _ASKED_EACH_TIME
    return _answer(request, file, {"Cache-Control": lasting})


async def read_lines(desk: DeskIs, caller: CallerIs, id: DocumentId) -> StreamingResponse:  # noqa: A002  -- the path's name
    """Answer with the texts of all pages read so far, a page a line: `{"page", "lines": [[index, text]]}`."""
    known = await desk.run(find, desk, caller, id)
    texts = _texts(desk, desk.results, known.folder)
    return StreamingResponse(texts, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})


def _answer(request: Request, file: PageFile, headers: dict[str, str]) -> Response:
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _texts(desk: Desk, results: Storage, folder: Folder) -> AsyncIterator[str]:
    numbers = await desk.run(lambda: list(written_pages(results, folder, 1, _LAST_PAGE)))
    for first in range(0, len(numbers), _AT_ONCE):
        some = numbers[first : first + _AT_ONCE]
        yield "".join(
            await asyncio.gather(*(desk.run(_texts_of, results, folder, number) for number in some))
        )


def _texts_of(results: Storage, folder: Folder, number: int) -> str:
    """Return one page's texts in reading order as a line of JSON; nothing for a page that was not read."""
    try:
        content, _ = read_page(results, folder, number)
    except NotFound:
        return ""  # deleted meanwhile
    if content["state"] != "done":
        return ""
    texts = content["rec_texts"]
    order = content.get("reading_order") or range(len(texts))
    row = {"page": number, "lines": [[index, texts[index]] for index in order]}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
