"""Refuses to start what could not keep its promises."""

from __future__ import annotations

from typing import Any

from celery.concurrency import get_implementation
from celery.concurrency.prefork import TaskPool


def check_pool(sender: Any, **_: object) -> None:
    """Refuse any pool but one spawned child: a handler of Celery's `worker_init`. Raises `SystemExit`."""
    pool = get_implementation(sender.pool_cls)
    if not issubclass(pool, TaskPool):
        name = pool.__module__.rpartition(".")[-1]
        raise SystemExit(
            f"a worker needs the prefork pool, not {name}: with that, a crash or a drain loses pages in hand"
        )
    if sender.pool_start_method != "spawn":
        raise SystemExit("a worker needs spawned children: forked ones share an engine's threads and break")
    if sender.concurrency != 1 or sender.options.get("autoscale"):
        raise SystemExit("a worker has one child: start more workers instead")
