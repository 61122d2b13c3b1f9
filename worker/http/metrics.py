"""What Prometheus scrapes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from worker.exposition import exposition
from worker.http.desk import Desk

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def router(desk: Desk) -> APIRouter:
    """Return the route; it answers while Redis is away, too, and says so."""
    routes = APIRouter(tags=["fleet"])

    @routes.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Give the metrics of the whole fleet; any replica gives the same."""
        return Response(await desk.run(exposition, desk.tools), media_type=_CONTENT_TYPE)

    return routes
