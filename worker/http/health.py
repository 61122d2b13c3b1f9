"""For whoever runs the service: whether it lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from worker.http.caller import DeskIs
from worker.http.shapes import Shape

router = APIRouter(tags=["health"])


class Health(Shape):
    """All is well."""

    state: Literal["alive", "ready"]


@router.get("/healthz")
async def alive() -> Health:
    """Say that the process answers."""
    return Health(state="alive")


@router.get("/readyz")
async def ready(desk: DeskIs) -> Health:
    """Say that the queue answers too; 503 while it does not."""
    await desk.run(desk.store.check)
    return Health(state="ready")
