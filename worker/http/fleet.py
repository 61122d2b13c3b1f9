"""Who is at work, and what waits for them."""

from __future__ import annotations

import time

from fastapi import APIRouter

from infra.status import Heartbeat
from infra.status.fleet import CONTROL
from tasks.queues import queues_of
from tasks.scaling import demand
from worker.http.caller import CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.shapes import FleetInfo, QueueInfo, WorkerInfo

router = APIRouter(tags=["fleet"])


@router.get("/v1/fleet")
async def show_fleet(desk: DeskIs, caller: CallerIs) -> FleetInfo:
    """Show the workers, how fast they are, and what waits for each kind of device."""
    named = caller.tenant is None
    return await desk.run(_fleet, desk, named=named)


def _fleet(desk: Desk, *, named: bool) -> FleetInfo:
    beats = sorted(desk.store.fleet.workers(), key=lambda beat: beat.name)
    kinds = sorted({beat.kind for beat in beats} - {CONTROL} | desk.settings.cold_kinds.keys())
    return FleetInfo(
        workers=[_worker(beat, named=named) for beat in beats],
        queues=[_queue(desk, kind) for kind in kinds],
    )


def _worker(beat: Heartbeat, *, named: bool) -> WorkerInfo:
    """Describe a worker; which documents it reads is told only to those who may see everybody's."""
    return WorkerInfo(
        id=beat.name,
        kind=beat.kind,
        device=beat.device,
        health=beat.health(time.time()),
        doing=[str(one) if named else str(one.activity) for one in beat.doing],
        pages_per_second=beat.pages_per_second,
        megapixels_per_second=beat.megapixels_per_second,
        seen_at=beat.at,
    )


def _queue(desk: Desk, kind: str) -> QueueInfo:
    found = demand(desk.tools, kind)
    return QueueInfo(
        kind=kind,
        waiting=sum(desk.store.fleet.depths(queues_of(kind)).values()),
        megapixels=round(found.waiting + found.held, 3),
        drain_seconds=found.drain_seconds,
    )
