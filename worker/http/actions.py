"""What can be done with a document that is there: read it again, stop reading it, remove it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from infra.errors import NotFound
from infra.status.work import Commit
from infra.storage import Location, Storage
from tasks.cancel import cancel
from tasks.ledger import RequestLost
from tasks.places import Folder
from tasks.records import Latest
from tasks.reopen import NotReopened, retry
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.documents import DocumentId
from worker.http.known import Known, find
from worker.http.problems import Refusal
from worker.http.shapes import Summary

_AT_ONCE = 8  # files that are removed at a time
_GONE: dict[int | str, dict[str, Any]] = {
    202: {"model": Summary, "description": "It was being read, and is being stopped; delete it again then."},
    204: {"description": "Its results are gone."},
}

router = APIRouter(tags=["documents"])


@router.post("/v1/documents/{id}/retry", status_code=202)
async def retry_document(desk: DeskIs, caller: CallerIs, id: DocumentId) -> Summary:  # noqa: A002  -- the path's name
    """Read again what failed of a document, or was cancelled. 409 where nothing is to be read again."""
    return await desk.run(_retry, desk, caller, id)


@router.post("/v1/documents/{id}/cancel", status_code=202)
async def cancel_document(desk: DeskIs, caller: CallerIs, id: DocumentId) -> Summary:  # noqa: A002  -- the path's name
    """Stop reading a document between pages; what was read stays. 409 where it has ended."""
    return await desk.run(_cancel, desk, caller, id)


@router.delete("/v1/documents/{id}", status_code=204, responses=_GONE, response_model=None)
async def delete_document(
    desk: DeskIs,
    caller: CallerIs,
    id: DocumentId,  # noqa: A002  -- the path's name
) -> Response:
    """Remove a document's results; what is being read is stopped first. Its source stays.

    202 says that it is being stopped: delete it once more when it has ended.
    """
    left = await desk.run(_delete, desk, caller, id)
    if left is None:
        return Response(status_code=204)
    return Response(left.model_dump_json(), 202, media_type="application/json", headers={"Retry-After": "1"})


def remove(desk: Desk, folder: Folder) -> bool:
    """Remove the results of a document that has ended; False where it has not. Blocks.

    What was asked goes first: without it, nothing takes the rest for a document that is to be read.
    """
    results = desk.results
    if not desk.store.status.forget(folder.document):
        return False
    results.delete(folder.request)
    _remove_latest(results, folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(results.delete, (info.key for info in results.list(f"{folder.key}/"))))
    clear_folders(desk.settings.results, folder.pages.rstrip("/"), folder.key)
    return True


def clear_folders(place: str, *keys: str) -> None:
    """Remove folders that are empty now, in a place that is a directory; nobody else may use them."""
    root = Location.parse(place)
    if root.scheme == "file":
        for key in keys:
            with suppress(OSError):  # it never was, or somebody has put something into it
                Path(root.bucket, key).rmdir()


def _retry(desk: Desk, caller: Caller, document: str) -> Summary:
    known = find(desk, caller, document)
    try:
        retry(desk.tools, desk.results, known.folder)
    except NotReopened as error:
        raise Refusal(409, str(error), kind="not-to-be-read-again") from error
    except RequestLost as error:
        raise Refusal(409, error.public) from error
    return find(desk, caller, document).summary()


def _cancel(desk: Desk, caller: Caller, document: str) -> Summary:
    known = find(desk, caller, document)
    if known.status.terminal or stop(desk, known.folder) is Commit.GONE:
        raise Refusal(409, f"The document has ended: {known.status.state}.", kind="ended")
    return find(desk, caller, document).summary()


def stop(desk: Desk, folder: Folder) -> Commit:
    """Have a document end as it stands."""
    return cancel(desk.tools, desk.results, folder)[0]


def _delete(desk: Desk, caller: Caller, document: str) -> Summary | None:
    known: Known = find(desk, caller, document)
    if not known.status.terminal:
        stop(desk, known.folder)
    elif remove(desk, known.folder):
        return None
    return find(desk, caller, document).summary()


def _remove_latest(results: Storage, folder: Folder) -> None:
    """Remove what says which of the source's documents is the newest, if that is this one."""
    try:
        etag = results.head(folder.latest).etag
        if Latest.model_validate_json(results.read(folder.latest)).id == folder.document:
            results.delete(folder.latest, etag=etag)
    except (NotFound, ValueError):
        return
