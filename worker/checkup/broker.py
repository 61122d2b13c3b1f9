"""Redis: whether it can be trusted with a queue and with state."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from infra.errors import BrokerUnsuitable
from infra.status import Store
from infra.status.scripts import translated
from worker.checkup.finding import Finding, good, problem, warning

_OLDEST = (6, 2)  # what the scripts and Celery's transport have been tried with
_SLOW_SECONDS = 0.02  # a page takes a dozen calls
_PINGS = 20
_SKEW_SECONDS = 2.0  # a heartbeat's age is told by two clocks
_TIGHT = 0.8  # of the memory that it may take


def check_broker(store: Store) -> Iterator[Finding]:
    """Look at the server's policy, version, memory, persistence, speed, clock and permissions."""
    try:
        store.check()
    except BrokerUnsuitable as error:
        yield problem(
            "broker", str(error), "change the server's settings, or let PAGELINE_BROKER_URL name another"
        )
        return
    with translated():
        info: dict[str, Any] = store.client.info("everything")
    yield _version(info)
    yield _memory(info)
    yield _persistence(info)
    yield _latency(store)
    yield _clock(store)
    yield _permissions(store)


def _version(info: dict[str, Any]) -> Finding:
    name = "Valkey" if "valkey_version" in info else "Redis"
    text = str(info.get("valkey_version") or info.get("redis_version", "0"))
    if info.get("redis_mode") == "cluster":
        return problem(
            "broker",
            f"{name} {text} is a cluster",
            "Celery needs one primary: take a server without cluster mode",
        )
    if info.get("role") == "slave":
        return problem("broker", f"{name} {text} is a replica", "let PAGELINE_BROKER_URL name the primary")
    if tuple(int(part) for part in text.split(".")[:2]) < _OLDEST:
        return warning("broker", f"{name} {text} is old", "take version 6.2 or later")
    return good("broker", f"{name} {text}, never evicts")


def _memory(info: dict[str, Any]) -> Finding:
    used, limit = int(info["used_memory"]), int(info.get("maxmemory", 0))
    said = f"{used / 2**20:,.0f} MiB in use" + (f" of {limit / 2**20:,.0f}" if limit else ", no limit")
    if limit and used > limit * _TIGHT:
        return problem(
            "broker memory", said, "raise maxmemory: beyond it, writes are refused and work stands still"
        )
    return good("broker memory", said)


def _persistence(info: dict[str, Any]) -> Finding:
    if int(info.get("aof_enabled", 0)):
        if info.get("aof_last_write_status", "ok") != "ok":
            return problem(
                "persistence", "the append-only file cannot be written", "look at the server's disk"
            )
        return good("persistence", "the append-only file is on")
    if int(info.get("connected_slaves", 0)):
        return good("persistence", f"{info['connected_slaves']} replicas, no append-only file")
    return warning(
        "persistence",
        "a restart of the server forgets the queue; documents are found again in the storage, after a while",
        "set appendonly yes, or add a replica",
    )


def _latency(store: Store) -> Finding:
    taken = []
    with translated():
        for _ in range(_PINGS):
            before = time.perf_counter()
            store.client.ping()
            taken.append(time.perf_counter() - before)
    middle = statistics.median(taken)
    said = f"answers in {middle * 1000:.1f} ms"
    if middle > _SLOW_SECONDS:
        return warning(
            "broker latency", said, "bring workers and server closer together: a page takes a dozen calls"
        )
    return good("broker latency", said)


def _clock(store: Store) -> Finding:
    before = time.time()
    with translated():
        seconds, micros = store.client.time()
    after = time.time()
    skew = (before + after) / 2 - (int(seconds) + int(micros) / 1e6)
    said = f"{skew:+.2f} s against Redis"
    if abs(skew) > _SKEW_SECONDS:
        return problem("clock", said, "set this host's clock by NTP: leases and heartbeats are told by it")
    return good("clock", said)


def _permissions(store: Store) -> Finding:
    """Write, read, run a script and delete under the prefix, as workers do."""
    key = f"{store.keys.prefix}doctor:{uuid4().hex}"
    with translated():
        try:
            store.client.set(key, "1", ex=60)
            store.client.eval("return redis.call('GET', KEYS[1])", 1, key)
        finally:
            store.client.delete(key)
    return good("broker permissions", f"keys below {store.keys.prefix} may be written, read and deleted")
