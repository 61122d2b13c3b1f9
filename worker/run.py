"""Runs one worker in this process, until it is told to end."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from celery.signals import worker_shutting_down

from infra.errors import BrokerUnavailable, InfraError
from infra.settings import Settings
from infra.status import Store, open_store
from tasks.context import Tools
from tasks.reconcile import reconcile
from tasks.sweep import sweep
from worker.app import make_app, queues_for
from worker.logs import set_up_logs
from worker.plan import WorkerPlan
from worker.rhythm import Rhythm
from worker.sending import send_with
from worker.shutdown import Shutdown

_log = logging.getLogger(__name__)
_BROKER_SECONDS = 30.0  # a broker may start a little later than its workers
_POLL_SECONDS = 0.5


class WorkerUnfit(InfraError):  # noqa: N818  -- it says what the worker is
    """A worker cannot do its work on this machine; `str(error)` says what is missing."""


def run_worker(settings: Settings, device: str = "cpu") -> None:
    """Run a worker for `device` (`cpu`, `gpu:0` ..., or `control`) until it is told to end.

    Raises `BrokerUnsuitable`, `BrokerUnavailable`, `SettingsError` and `OptionError` before anything is
    started, and `WorkerUnfit` when the device is not there or its pipeline does not read a known page.
    """
    set_up_logs(settings)
    plan = WorkerPlan.make(settings, device)
    store = open_store(settings)
    _await_broker(store)
    _prepare_environment()
    plan.prepare()
    app = make_app(settings, plan)
    shutdown = Shutdown(plan, settings.shutdown.timer_seconds)
    try:
        with _handlers(shutdown), _rhythms(settings, store, app, plan):
            _serve(app, plan)
        store.fleet.leave(plan.name)
    finally:
        shutdown.done()
        sentence = plan.why_given_up()
        plan.clean()
        store.close()
    if sentence is not None:
        raise WorkerUnfit(f"no worker for {device} can run here: {sentence}")


def _prepare_environment() -> None:
    """Set what the child, a fresh interpreter, is to find."""
    os.environ["PYTHONSAFEPATH"] = "1"  # a file tasks.py where the worker was started must not be imported
    # glibc gives each thread an arena of its own, and large pages pass through three of them.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")


def _serve(app: Celery, plan: WorkerPlan) -> None:
    """Take work until told to end."""
    # Celery warns root of pickled messages; ours are JSON.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser")
    worker = app.Worker(
        hostname=plan.name,
        queues=queues_for(plan),
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()


@contextmanager
def _handlers(shutdown: Shutdown) -> Iterator[None]:
    worker_shutting_down.connect(shutdown.begin)
    try:
        yield
    finally:
        worker_shutting_down.disconnect(shutdown.begin)


@contextmanager
def _rhythms(settings: Settings, store: Store, app: Celery, plan: WorkerPlan) -> Iterator[None]:
    """Stand for the sweep and for reconcile while the context is open."""
    tools = Tools(settings, store, send_with(app))
    queue = settings.queue
    rhythms = [
        Rhythm("sweep", queue.sweep_seconds, store.fleet, plan.name, lambda: sweep(tools)),
        Rhythm("reconcile", queue.reconcile_seconds, store.fleet, plan.name, lambda: reconcile(tools)),
    ]
    for rhythm in rhythms:
        rhythm.start()
    try:
        yield
    finally:
        for rhythm in rhythms:
            rhythm.stop()


def _await_broker(store: Store) -> None:
    """Wait for Redis, and refuse one that evicts. Raises `BrokerUnavailable`, `BrokerUnsuitable`."""
    until = time.monotonic() + _BROKER_SECONDS
    while True:
        try:
            store.check()
        except BrokerUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return
