"""Puts the service together: every part is a router of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware

from infra.errors import SettingsError
from infra.telemetry.tracing import wanted
from worker.http import actions, documents, events, fleet, health, ocr, outputs, pictures, submitting, uploads
from worker.http.caller import caller_of, overseer_of
from worker.http.description import describe
from worker.http.desk import Desk
from worker.http.guard import Guard
from worker.http.hall import open_hall
from worker.http.problems import install_problems
from worker.http.traced import Traced

_ROUTERS = (health, documents, submitting, uploads, outputs, pictures, events, actions, fleet, ocr)
# `worker.http.NAME`, each with `router(desk)`; what lies under its path is for whoever may see all documents.
_PARTS = {"metrics": "/metrics", "scale": "/scale", "web": None}
_ABOUT = "Documents in, their text and pictures out, and their progress while they are read."


def build(desk: Desk) -> FastAPI:
    """Return the application that serves what `desk` knows. Raises `SettingsError`."""
    _check_open_paths(desk)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_hall(desk) as hall:
            app.state.hall = hall
            yield

    app = FastAPI(
        title="Pageline",
        version=version("pageline"),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.desk = desk
    for each in _ROUTERS:
        app.include_router(each.router)
    for name, path in _PARTS.items():
        if find_spec(f"worker.http.{name}") is not None:
            _include(app, import_module(f"worker.http.{name}").router(desk), path)
    install_problems(app)
    _guard(app, desk)
    app.openapi = lru_cache(1)(lambda: _described(app, desk))  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _include(app: FastAPI, router: APIRouter, path: str | None) -> None:
    app.include_router(router, dependencies=[] if path is None else [Depends(_unless_open)])


async def _unless_open(request: Request) -> None:
    """Let in who may see everybody's, and whoever asks what the settings leave open. Raises `Refusal`."""
    desk: Desk = request.app.state.desk
    asked = request.scope["path"]
    if not any(_lies_under(asked, path) for path in desk.settings.http.open_paths):
        await overseer_of(await caller_of(request))


def _check_open_paths(desk: Desk) -> None:
    closable = [path for path in _PARTS.values() if path is not None]
    for path in desk.settings.http.open_paths:
        if not any(_lies_under(path, whole) for whole in closable):
            raise SettingsError(
                f"PAGELINE_HTTP__OPEN_PATHS: {path} cannot be left open, only what lies under "
                f"{' or '.join(closable)} can"
            )


def _lies_under(path: str, whole: str) -> bool:
    whole = whole.rstrip("/")
    return path == whole or path.startswith(f"{whole}/")


def _guard(app: FastAPI, desk: Desk) -> None:
    http = desk.settings.http
    if wanted():
        app.add_middleware(Traced)
    if http.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(http.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Idempotency-Key", "Last-Event-ID", "Range"],
            expose_headers=["Location", "ETag", "Content-Range", "Retry-After"],
        )
    app.add_middleware(
        Guard,
        max_bytes=http.max_bytes,
        idle_seconds=http.idle_seconds,
        origins=frozenset(http.origins),
        only_here=not desk.keys.required and not http.anonymous,
    )


def _described(app: FastAPI, desk: Desk) -> dict[str, Any]:
    return describe(app, desk)
