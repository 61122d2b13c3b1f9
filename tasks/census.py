"""The whole fleet at one moment: who is at work, what waits for whom, what was counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.status import Heartbeat, TenantStatus
from infra.status.keys import is_control_lane
from infra.status.scripts import translated
from infra.telemetry.counters import Counters
from tasks.context import Tools
from tasks.queues import CONTROL, queues_of
from tasks.routing import DEFAULT_KIND
from tasks.scaling import Demand, demand

_DRAIN_SECONDS = 60.0  # asked of `demand`, whose answer to it is not used here
_PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Broker:
    """Redis: how long it took to answer (seconds), what it holds and may hold (bytes; 0: no limit)."""

    ping_seconds: float
    memory: int
    memory_limit: int
    clients: int


@dataclass(frozen=True, slots=True)
class Letters:
    """The outbox: letters that are due, that wait, and that are dead; by how many seconds one is overdue."""

    due: int
    later: int
    dead: int
    overdue_seconds: float


@dataclass(frozen=True, slots=True)
class Census:
    """What was found.

    Attributes:
        at: When, in seconds since the epoch.
        workers: The last heartbeat of each that lives, by name.
        queues: Messages that wait, by queue.
        lines: What waits in tenants' lines, by the step it waits for; for `pages`, documents.
        ranges: Ranges of pages in hand.
        pages: Pages in hand.
        demands: What there is to do for each kind of device.
        active: Documents that have not ended.
        idle_seconds: Since the one that has waited longest for progress had some; 0 without any.
        rhythms: Seconds since each rhythm last did its work.
        counted: What the fleet has counted, by field.
    """

    at: float
    broker: Broker
    workers: tuple[Heartbeat, ...]
    queues: Mapping[str, int]
    lines: Mapping[str, int]
    ranges: int
    pages: int
    demands: tuple[Demand, ...]
    active: int
    idle_seconds: float
    tenants: tuple[TenantStatus, ...]
    letters: Letters
    rhythms: Mapping[str, float]
    counted: Mapping[str, float]


def take_census(tools: Tools) -> Census:
    """Look at everything. Raises `BrokerUnavailable`."""
    store, now = tools.store, time.time()
    broker = _broker(tools)
    workers = tuple(sorted(store.fleet.workers(), key=lambda beat: beat.name))
    present = {beat.kind for beat in workers} - {CONTROL} | tools.settings.cold_kinds.keys() | {DEFAULT_KIND}
    kinds = sorted(present | {one.kind for one in store.placements.all()})
    counters = Counters(store.client, store.keys)
    active, idle = _active(tools, now)
    ranges, pages = _leases(tools)
    return Census(
        at=now,
        broker=broker,
        workers=workers,
        queues=store.fleet.depths([queue for kind in (CONTROL, *kinds) for queue in queues_of(kind)]),
        lines=_lines(tools),
        ranges=ranges,
        pages=pages,
        demands=tuple(demand(tools, kind, _DRAIN_SECONDS) for kind in kinds),
        active=active,
        idle_seconds=idle,
        tenants=tuple(store.listing.tenants(tools.settings.tenants)),
        letters=_letters(tools, now),
        rhythms={name: max(0.0, now - at) for name, at in counters.rhythms().items()},
        counted=counters.all(),
    )


def _broker(tools: Tools) -> Broker:
    client, before = tools.store.client, time.perf_counter()
    with translated():
        client.ping()
        seconds = time.perf_counter() - before
        memory, clients = client.info("memory"), client.info("clients")
    return Broker(
        seconds,
        int(memory.get("used_memory", 0)),
        int(memory.get("maxmemory", 0)),
        int(clients.get("connected_clients", 0)),
    )


def _lines(tools: Tools) -> dict[str, int]:
    client, keys = tools.store.client, tools.store.keys
    lanes = tools.store.fleet.lanes()
    with translated(), client.pipeline(transaction=False) as pipe:
        for lane in lanes:
            if is_control_lane(lane):
                pipe.zcard(keys("waiting", lane))
            else:
                pipe.llen(keys("line", lane))
        lengths = pipe.execute()
    found: Counter[str] = Counter()
    for lane, length in zip(lanes, lengths, strict=True):
        found[lane.rpartition(":")[2] if is_control_lane(lane) else _PAGES] += length
    return dict(found)


def _leases(tools: Tools) -> tuple[int, int]:
    """Count ranges and pages in hand: their leases are named `id:generation:rFIRST-…` and `…:pNUMBER`."""
    with translated():
        names = tools.store.client.zrange(tools.store.keys("leases"), 0, -1)
    units = Counter(str(name).rpartition(":")[2][0] for name in names)
    return units["r"], units["p"]


def _active(tools: Tools, now: float) -> tuple[int, float]:
    key = tools.store.keys("active")
    with translated(), tools.store.client.pipeline(transaction=False) as pipe:
        pipe.zcard(key)
        pipe.zrange(key, 0, 0, withscores=True)
        count, first = pipe.execute()
    return int(count), max(0.0, now - float(first[0][1])) if first else 0.0


def _letters(tools: Tools, now: float) -> Letters:
    keys = tools.store.keys
    with translated(), tools.store.client.pipeline(transaction=False) as pipe:
        pipe.zcount(keys("outbox"), "-inf", now)
        pipe.zcard(keys("outbox"))
        pipe.zcard(keys("dead"))
        pipe.zrange(keys("outbox"), 0, 0, withscores=True)
        found: list[Any] = pipe.execute()
    due, waiting, dead, first = found
    overdue = max(0.0, now - float(first[0][1])) if first else 0.0
    return Letters(int(due), int(waiting) - int(due), int(dead), overdue)
