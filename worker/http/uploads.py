"""Uploads that do not pass through a form: to the storage itself, or, where that is a folder, to here."""

from __future__ import annotations

import time
import uuid
from pathlib import Path as FilePath
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from infra.storage.presign import presigned_upload
from worker.http.bodies import body_as
from worker.http.bringing import plain_name, scratch, store, uploads_of
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.problems import Refusal
from worker.http.shapes import Shape

router = APIRouter(tags=["documents"])
WISH_PATH: Final = "/v1/uploads"
_WISH_BYTES = 1 << 14
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class UploadWish(BaseModel):
    """What is to be uploaded; `size` in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=250)
    size: int = Field(ge=1)
    tenant: str | None = Field(default=None, max_length=64)


class UploadThen(Shape):
    """The request that has the document read once it is uploaded."""

    method: str
    url: str
    body: dict[str, str]


class Upload(Shape):
    """Where to put the bytes: `method` and `url`, before `expires_at`; `then` is what to do after that."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = Field(
        description="Headers to send with the bytes, each as it is here: the size, and what a bucket is told "
        "of encryption. Where `url` leads to a bucket they are signed, and nothing goes without them."
    )
    expires_at: float
    then: UploadThen


@router.post(WISH_PATH, status_code=201)
async def prepare_upload(request: Request, desk: DeskIs, caller: CallerIs) -> Upload:
    """Prepare the upload of a large document.

    Where uploads are kept in a bucket, `url` leads there and holds for a while; nothing passes through this
    service. Where they are kept in a folder, it leads here.
    """
    wish = await body_as(UploadWish, request, _WISH_BYTES)
    if wish.size > desk.settings.http.max_bytes:
        raise Refusal(413, f"A document may hold at most {desk.settings.http.max_bytes} bytes.")
    return await desk.run(_prepared, desk, caller, wish)


@router.put("/v1/uploads/{id}/{name}", status_code=204, openapi_extra=_BODY, response_class=Response)
async def upload(
    request: Request,
    desk: DeskIs,
    caller: CallerIs,
    id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")],  # noqa: A002  -- the path's name
    name: Annotated[str, Path(max_length=250)],
    tenant: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Upload a document to a service that keeps uploads in a folder. What is there stays as it is."""
    whose = caller.acting_for(tenant, desk.settings)
    uploads_of(desk.settings, whose)
    with scratch(desk) as path:
        await desk.run(path.touch)
        async for chunk in request.stream():
            await desk.run(_append, path, chunk)
        await desk.run(store, desk, whose, f"{id}/{plain_name(name)}", path)
    return Response(status_code=204)


def _append(path: FilePath, chunk: bytes) -> None:
    with path.open("ab") as file:
        file.write(chunk)


def _prepared(desk: Desk, caller: Caller, wish: UploadWish) -> Upload:
    tenant = caller.acting_for(wish.tenant, desk.settings)
    root = uploads_of(desk.settings, tenant)
    identity = f"{uuid.uuid4().hex}/{plain_name(wish.name)}"
    seconds = desk.settings.http.link_seconds
    link = presigned_upload(root.join(identity).uri, s3=desk.settings.s3, seconds=seconds, size=wish.size)
    said = {} if wish.tenant is None else {"tenant": wish.tenant}
    query = f"?{urlencode(said)}" if said else ""
    return Upload(
        id=identity,
        method="PUT",
        url=link.url if link else f"/v1/uploads/{quote(identity)}{query}",
        headers={"Content-Length": str(wish.size), **(link.headers if link else {})},
        expires_at=time.time() + seconds,
        then=UploadThen(method="POST", url="/v1/documents", body={"upload": identity, **said}),
    )
