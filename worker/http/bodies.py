"""Bodies in JSON, read once it is known who asks.

What a handler has as an argument of its own FastAPI reads whole before it looks for a key.
"""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from worker.http.problems import Refusal

Body = TypeVar("Body", bound=BaseModel)


async def body_as(model: type[Body], request: Request, most: int) -> Body:
    """Return a request's body of at most so many bytes. Raises `Refusal` and `RequestValidationError`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "The body must be application/json.")
    content = await read_whole(request, most)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None


async def read_whole(request: Request, most: int) -> bytes:
    """Return a body. Raises `Refusal` with 413 as soon as it is more than so many bytes."""
    if int(request.headers.get("content-length", "0")) > most:
        raise _too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _too_large(most: int) -> Refusal:
    """The connection stays: to close it would take the answer along from whoever is still sending."""
    return Refusal(413, f"This request may hold at most {most} bytes.")
