"""How the service says no: RFC 9457 problems, and PaddleX's envelope at `/ocr`."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from infra.errors import BrokerUnavailable, InfraError, StorageUnavailable
from worker.http.shapes import Problem

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
OCR_PATH = "/ocr"
RETRY_SECONDS = 5
_PASSING = (BrokerUnavailable, StorageUnavailable)


class Refusal(HTTPException):
    """A request is turned down.

    Args:
        status: The HTTP status.
        detail: One sentence for people; it holds no secret.
        kind: Names the kind of problem for programs; a word such as `idempotency-conflict`.
        errors: Which parts of the request are at fault: `{"field": …, "detail": …}`.
        retry_after: Seconds after which another try may succeed.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        sent = dict(headers or {})
        if retry_after is not None:
            sent["Retry-After"] = str(max(1, round(retry_after)))
        super().__init__(status, detail, sent)
        self.kind = kind
        self.errors = [dict(error) for error in errors]


def install_problems(app: FastAPI) -> None:
    """Have every error leave the service in the shape that its path calls for."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InfraError, _infra)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def refused(request: Request, refusal: Refusal) -> Response:
    """Return the answer to a request that is turned down."""
    status = HTTPStatus(refusal.status_code)
    if request.url.path == OCR_PATH:
        content: dict[str, Any] = {
            "logId": str(uuid.uuid4()),
            "errorCode": int(status),
            "errorMsg": refusal.detail,
        }
        return JSONResponse(content, status, refusal.headers)
    problem = Problem(
        type="about:blank" if refusal.kind is None else f"urn:pageline:{refusal.kind}",
        title=status.phrase,
        status=int(status),
        detail=refusal.detail,
        instance=request.url.path,
        errors=refusal.errors,
    )
    return JSONResponse(problem.model_dump(), status, refusal.headers, MEDIA_TYPE)


async def _http(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return refused(request, error)
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request)) or headers.get("Allow", "")
    return refused(request, Refusal(error.status_code, str(error.detail), headers=headers))


def _methods(request: Request) -> list[str]:
    """Return all that a path can be asked for; the router knows only the first of its routes."""
    described: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    return [
        method.upper()
        for path, operations in described.items()
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), request.url.path)
        for method in operations
    ]


async def _invalid(request: Request, error: Exception) -> Response:
    """Say which fields are wrong and why, without repeating what was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        {"field": ".".join(str(part) for part in one["loc"]), "detail": str(one["msg"])} for one in found
    ]
    first = "; ".join(f"{one['field']}: {one['detail']}" for one in errors[:3])
    return refused(request, Refusal(422, f"The request is not valid: {first}", errors=errors))


async def _infra(request: Request, error: Exception) -> Response:
    public = error.public if isinstance(error, InfraError) else InfraError.public
    _log.warning("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, _PASSING):
        return refused(request, Refusal(503, public, retry_after=RETRY_SECONDS))
    return refused(request, Refusal(500, public))


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: whoever asked has left before the request was whole."""
    del error
    return refused(request, Refusal(400, "The request broke off."))


async def _unexpected(request: Request, error: Exception) -> Response:
    del error  # the server logs it
    return refused(request, Refusal(500, InfraError.public))
