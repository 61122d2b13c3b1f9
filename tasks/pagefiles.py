"""The files of one page: pictures first, then its JSON, each created once; what is there is adopted."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from infra.errors import AlreadyExists
from infra.status.states import PageState
from infra.storage import Storage
from tasks.context import Context
from tasks.places import Folder
from tasks.records import FailedPage, PageFields, StoredFile

if TYPE_CHECKING:
    from PIL.Image import Image

Cause = Literal["input", "processing"]
_JPEG_QUALITY = 85
_DAMAGED = "The page's stored result is damaged."


def encode_pictures(pictures: Mapping[str, Image]) -> dict[str, bytes]:
    """Return pictures as JPEG."""
    return {name: _jpeg(picture) for name, picture in pictures.items()}


def write_page(
    context: Context,
    folder: Folder,
    number: int,
    res: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    mode: str,
) -> PageFields:
    """Write a page that was read: the pipeline's JSON `res`, and pictures as JPEG.

    Returns what its JSON says, ours or an earlier one.
    """
    stored = [_write_picture(context, folder, number, name, data) for name, data in pictures.items()]
    fields = PageFields(state="done", mode=mode, pictures=stored)
    return _create(context, folder, number, {**res, **fields.model_dump(mode="json")})


def write_failure(
    context: Context, folder: Folder, number: int, reason: str, *, cause: Cause, mode: str = "normal"
) -> PageFields:
    """Write the record of a page that cannot be read. Returns what its JSON says, ours or an earlier one."""
    record = FailedPage(reason=reason, cause=cause, mode=mode, page={"number": number})
    return _create(context, folder, number, record.model_dump(mode="json"))


def read_page(storage: Storage, folder: Folder, number: int) -> tuple[dict[str, Any], StoredFile]:
    """Read a page's JSON, and say which file it is; a damaged one counts as failed. Raises `NotFound`."""
    key = folder.page(number)
    data = storage.read(key)
    try:
        content: dict[str, Any] = json.loads(data)
        PageFields.model_validate(content)
    except ValueError:
        content = FailedPage(reason=_DAMAGED, cause="processing", page={"number": number}).model_dump(
            mode="json"
        )
    return content, stored_file(key, data)


def written_pages(storage: Storage, folder: Folder, first: int, last: int) -> Iterator[int]:
    """Yield the numbers of pages `first` to `last` whose JSON exists, with one listing."""
    for info in storage.list(folder.pages, start_after=folder.page_start(first)):
        number = folder.page_number(info.key)
        if number is not None and number > last:
            return
        if number is not None:
            yield number


def state_of(fields: PageFields) -> PageState:
    """Return the state a page's JSON tells of."""
    return PageState.DONE if fields.state == "done" else PageState.FAILED


def stored_file(key: str, data: bytes) -> StoredFile:
    """Describe a file by its content."""
    name = key.rsplit("/", 1)[-1]
    return StoredFile(name=name, key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _jpeg(picture: Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _write_picture(context: Context, folder: Folder, number: int, name: str, data: bytes) -> StoredFile:
    key = folder.picture(number, name)
    try:
        context.results.create(key, data, content_type="image/jpeg")
    except AlreadyExists:
        data = context.results.read(key)
    return stored_file(key, data)


def _create(context: Context, folder: Folder, number: int, content: Mapping[str, Any]) -> PageFields:
    data = json.dumps(content, ensure_ascii=False).encode()
    try:
        context.results.create(folder.page(number), data, content_type="application/json")
    except AlreadyExists:
        found, _ = read_page(context.results, folder, number)
        return PageFields.model_validate(found)
    return PageFields.model_validate(content)
