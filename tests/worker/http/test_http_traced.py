"""Requests within their callers' traces."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from anyio import to_thread
from fastapi import FastAPI
from otlp import collector

from infra.telemetry.tracing import traced, traceparent
from worker.http.traced import Traced

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


def service() -> Traced:
    app = FastAPI()

    @app.api_route("/what", methods=["GET", "POST"])
    async def what() -> str | None:
        return await to_thread.run_sync(traceparent)  # as the handlers that call what blocks

    return Traced(app)


async def ask(method: str, header: str) -> str | None:
    transport = httpx.ASGITransport(app=service())
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        found: str | None = (await client.request(method, "/what", headers={"traceparent": header})).json()
        return found


def test_a_document_brought_by_a_request_is_in_the_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as receiving:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiving.endpoint)
        with traced("service"):
            within = asyncio.run(ask("POST", f"00-{TRACE}-{CALLER}-01"))
            read = asyncio.run(ask("GET", f"00-{TRACE}-{CALLER}-01"))
            odd = asyncio.run(ask("POST", "nonsense"))
    assert within is not None
    assert odd is not None
    assert read is None
    first, second = receiving.spans
    assert (first.trace, first.parent, first.name) == (TRACE, CALLER, "POST")
    assert within.split("-")[1:3] == [TRACE, first.id]
    assert second.trace not in (TRACE, "")
    assert second.parent == ""


def test_a_service_that_is_not_traced_passes_requests_on() -> None:
    assert asyncio.run(ask("POST", f"00-{TRACE}-{CALLER}-01")) is None
