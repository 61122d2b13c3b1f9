"""The fleet: whether somebody is there to work, and whether all are of one version."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

from infra.status import Heartbeat, Store
from infra.telemetry.counters import Counters
from tasks.queues import CONTROL
from worker.checkup.finding import Finding, good, problem, warning

_ROOM = 10.0  # beats that a rhythm may be late


def check_fleet(store: Store, sweep_seconds: float) -> Iterator[Finding]:
    """Look at heartbeats, versions, rhythms and dead letters."""
    beats = store.fleet.workers()
    yield _there(beats)
    yield from _ill(beats)
    yield from _versions(beats)
    yield from _sweeping(store, beats, sweep_seconds)
    yield _letters(store)


def _there(beats: list[Heartbeat]) -> Finding:
    kinds = Counter(beat.kind for beat in beats)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no worker lives"
    if CONTROL not in kinds:
        return problem("workers", said, "start one with `pageline worker --device control`")
    if len(kinds) == 1:
        return warning(
            "workers", f"{said}, and none that reads", "start some, unless they are started for waiting work"
        )
    return good("workers", said)


def _ill(beats: list[Heartbeat]) -> Iterator[Finding]:
    now = time.time()
    for beat in beats:
        if beat.health(now) == "stuck":
            doing = ", ".join(map(str, beat.doing))
            yield problem("workers", f"{beat.name} is stuck: {doing}", "it ends by itself; its log says why")


def _versions(beats: list[Heartbeat]) -> Iterator[Finding]:
    ours = version("pageline")
    others = sorted({beat.version for beat in beats if beat.version not in (None, ours)}, key=str)
    if others:
        yield warning(
            "versions", f"workers run {', '.join(map(str, others))}, this is {ours}", "finish the upgrade"
        )
    digests = Counter(beat.digest for beat in beats if beat.digest is not None)
    if len(digests) > 1:
        said = f"workers read with {len(digests)} different pipelines"
        yield warning(
            "pipelines", said, "during an upgrade that is so; else give all of them the same settings"
        )


def _sweeping(store: Store, beats: list[Heartbeat], seconds: float) -> Iterator[Finding]:
    if not beats:
        return
    at = Counters(store.client, store.keys).rhythms().get("sweep")
    if at is None or time.time() - at > seconds * _ROOM + _ROOM:
        silent = "never" if at is None else f"{time.time() - at:.0f} s ago"
        yield problem("sweep", f"last done: {silent}", "look into the control worker's log")
    else:
        yield good("sweep", "what dead workers held is looked for")


def _letters(store: Store) -> Finding:
    dead = len(store.outbox.dead(1000))
    if dead:
        todo = "`pageline callbacks list` says why, `pageline callbacks retry` sends them again"
        return warning("callbacks", f"{dead} could not be delivered", todo)
    return good("callbacks", "none is given up")
