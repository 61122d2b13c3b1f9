"""What holds for every request: bounds on bodies, who may ask from a browser, headers, a line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.http.problems import Refusal, refused

_log = logging.getLogger(__name__)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware; headers that a handler has set itself stay.

    Args:
        app: What is guarded.
        max_bytes: The largest body.
        idle_seconds: The longest silence within a body.
        origins: Pages of other origins that may use the service.
        only_here: Whether to answer only those who call it by a name of this machine: without keys, a page
            that has its own name resolve to this machine could otherwise read everything.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        idle_seconds: float,
        origins: frozenset[str],
        only_here: bool,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._idle_seconds = idle_seconds
        self._origins = origins
        self._only_here = only_here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the server for each connection's request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, Headers(scope=scope).get("origin"))
            await send(message)

        try:
            refusal = self._objection(scope)
            if refusal is not None:
                await refused(Request(scope), refusal)(scope, receive, sending)
            else:
                await self._app(scope, self._bounded(receive), sending)
        finally:
            spent = (time.monotonic() - started) * 1000
            _log.info("%s %s %d %.0f ms", scope["method"], _plain(scope["path"]), status or 500, spent)

    def _objection(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if self._only_here and _name(headers.get("host", "")) not in _HERE:
            return Refusal(421, "Without API keys, this service answers to the name localhost alone.")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        foreign = origin is not None and not _same(origin, headers.get("host", ""))
        foreign = foreign or (origin is None and site == "cross-site")
        if foreign and scope["method"] not in _SAFE and origin not in self._origins:
            return Refusal(403, "Pages of other origins may not change anything here.")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._max_bytes:
            return _too_large(self._max_bytes)
        return None

    def _bounded(self, receive: Receive) -> Receive:
        """Count a body as it comes, and wait no longer for its next part than it may take."""
        seen, whole = 0, False

        async def receiving() -> Message:
            nonlocal seen, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout(self._idle_seconds):  # no task of its own, as `wait_for` makes one
                    message = await receive()
            except TimeoutError:
                raise Refusal(408, "The rest of the request did not come.") from None
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > self._max_bytes:
                raise _too_large(self._max_bytes)
            return message

        return receiving

    def _complete(self, message: MutableMapping[str, Any], origin: str | None) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if origin is not None and origin in self._origins:
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"A request may hold at most {limit} bytes.", headers={"Connection": "close"})


def _name(host: str) -> str:
    """`localhost:8080` without the port."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


def _same(origin: str, host: str) -> bool:
    return origin.partition("://")[2] == host


def _plain(path: str) -> str:
    """A path for one line of a log."""
    return path.encode("ascii", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")[:200]
