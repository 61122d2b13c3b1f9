"""What an autoscaler asks: how many workers of a kind are worth having now."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from pipelines.devices import KINDS
from tasks.scaling import Demand, demand
from worker.http.desk import Desk

_LEAST = 0.001  # whatever waits, however little, is worth starting a worker for


class Scale(BaseModel):
    """What there is to do for a kind of device.

    Attributes:
        value: How many workers it is worth: those that would be through with it in the time asked for, and no
            fewer than have something in hand. 0 only where there is nothing at all.
        busy: Workers with something in hand.
        workers: All workers of the kind.
        waiting_megapixels: What nobody has begun.
        held_megapixels: What was begun and is not over.
        megapixels_per_second: Of one worker.
        drain_seconds: When its workers would be through with it; null where it has none.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    value: float = Field(ge=0)
    busy: int
    workers: int
    waiting_megapixels: float
    held_megapixels: float
    megapixels_per_second: float
    drain_seconds: float | None


Kind = Annotated[str, InPath(pattern=f"^({'|'.join(KINDS)})$", description="A kind of device: cpu, gpu …")]
Target = Annotated[
    float, Query(gt=0, le=86_400, description="In how many seconds what there is to do should be done.")
]


def router(desk: Desk) -> APIRouter:
    """Return the route for KEDA's `metrics-api`: `valueLocation: value`, `targetValue: "1"`."""
    routes = APIRouter(tags=["fleet"])

    @routes.get("/scale/{kind}")
    async def scale(kind: Kind, drain_seconds: Target = 60.0) -> Scale:
        """Say how many workers of a kind are worth having."""
        return _told(await desk.run(demand, desk.tools, kind, drain_seconds))

    return routes


def _told(found: Demand) -> Scale:
    return Scale(
        kind=found.kind,
        value=math.ceil(found.value / _LEAST) * _LEAST if found.value < 1 else round(found.value, 3),
        busy=found.busy,
        workers=found.workers,
        waiting_megapixels=round(found.waiting, 3),
        held_megapixels=round(found.held, 3),
        megapixels_per_second=round(found.speed, 4),
        drain_seconds=None if found.drain_seconds is None else round(found.drain_seconds, 2),
    )
