"""Requests that change something are spans of their callers' traces; what they bring goes on with these."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.telemetry.tracing import HEADER, is_traceparent, span

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Traced:
    """Middleware; scrapes, probes and reads are no spans: nothing follows from them, and they are many."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the server for each connection's request."""
        if scope["type"] != "http" or scope["method"] not in _CHANGING:
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get(HEADER, "")
        parent = said if is_traceparent(said) else None
        with span(scope["method"], parent=parent, kind="server", path=scope["path"]):
            await self._app(scope, receive, send)
