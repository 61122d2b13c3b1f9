"""Runs one worker in this process, until it is told to end."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from celery import Celery
from celery.signals import worker_shutting_down

from infra.errors import BrokerUnavailable, InfraError
from infra.settings import Settings
from infra.status import Store, open_store
from pipelines.devices import parse_device
from tasks.context import Tools, storage_at
from tasks.queues import CONTROL
from tasks.rebuild import Rebuilder
from tasks.reconcile import reconcile
from tasks.retention import Retainer
from tasks.sweep import sweep
from worker.app import make_app, queues_for
from worker.cloudwatch import telling
from worker.drain import Drain
from worker.logs import log_what_celery_says, set_up_logs
from worker.noting import noted
from worker.plan import WorkerPlan
from worker.protection import protected
from worker.rhythm import Rhythm
from worker.sending import send_with
from worker.several import run_workers
from worker.shutdown import Shutdown
from worker.spooled import emptying, spool_rhythm

_log = logging.getLogger(__name__)
_BROKER_SECONDS = 30.0  # a broker may start a little later than its workers
_POLL_SECONDS = 0.5
_TURN_SECONDS = 60.0  # of looking through the results, at most, while the storage answers


class WorkerUnfit(InfraError):  # noqa: N818  -- it says what the worker is
    """A worker cannot do its work on this machine; `str(error)` says what is missing."""


def run_worker(settings: Settings, device: str = "cpu", *, drain: bool = False) -> None:
    """Run a worker for `device` (`cpu`, `gpu:0`, `control` ...), for `gpu:0,1` two, until it is told to end.

    With `drain` it ends by itself once nothing is left for it.

    Raises `BrokerUnsuitable`, `BrokerUnavailable`, `SettingsError` and `OptionError` before anything is
    started, and `WorkerUnfit` when the device is not there or its pipeline does not read a known page.
    """
    set_up_logs(settings)
    log_what_celery_says()
    devices = None if device == CONTROL else parse_device(device)
    if devices is not None and len(devices.each) > 1:
        run_workers(settings, devices, drain=drain)
        return
    plan = WorkerPlan.make(settings, device)
    store = open_store(settings)
    _await_broker(store)
    _prepare_environment()
    with closing(store), plan.prepared():
        app = make_app(settings, plan)
        shutdown = Shutdown(plan, settings.shutdown.timer_seconds)
        try:
            with ExitStack() as stack:
                stack.enter_context(_handlers(shutdown))
                stack.enter_context(_rhythms(settings, store, app, plan))
                stack.enter_context(protected(plan, settings.queue.heartbeat_seconds))
                if drain:
                    stack.enter_context(Drain(store, plan, settings.queue.sweep_seconds).watching())
                _serve(app, plan)
            store.fleet.leave(plan.name)
        finally:
            shutdown.done()
        sentence = plan.why_given_up()
    if sentence is not None:
        raise WorkerUnfit(f"no worker for {device} can run here: {sentence}")


def _prepare_environment() -> None:
    """Set what the child, a fresh interpreter, is to find."""
    os.environ["PYTHONSAFEPATH"] = "1"  # a file tasks.py where the worker was started must not be imported
    # glibc gives each thread an arena of its own, and large pages pass through three of them.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    # Pages and what is computed of them go back to the system at once, and leave no holes; for smaller blocks
    # the system's clearing of memory would cost more than the holes do.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(8 << 20))


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
    """Stand for all that comes round while the context is open."""
    tools = Tools(settings, store, send_with(app, store))
    queue = settings.queue

    def rhythm(name: str, act: Callable[[], int], seconds: float, lead_seconds: float = 0.0) -> Rhythm:
        return Rhythm(name, seconds, store.fleet, plan.name, noted(store, name, act), lead_seconds)

    rhythms = [
        rhythm("sweep", lambda: sweep(tools), queue.sweep_seconds),
        rhythm("reconcile", lambda: reconcile(tools), queue.reconcile_seconds),
    ]
    if plan.device == CONTROL and queue.rebuild_keys > 0:
        rebuild = Rebuilder(tools, storage_at(settings.results, settings.s3))
        rhythms.append(rhythm("rebuild", rebuild, queue.sweep_seconds, _TURN_SECONDS))
    if plan.device == CONTROL:
        retain = Retainer(tools, lambda uri: storage_at(uri, settings.s3))
        rhythms.append(rhythm("retention", retain, queue.sweep_seconds, _TURN_SECONDS))
        if settings.cloudwatch.fleet is not None:
            rhythms.append(rhythm("cloudwatch", telling(tools), settings.cloudwatch.seconds))
    if plan.device != CONTROL:
        rhythms.append(rhythm(spool_rhythm(settings), emptying(settings), queue.sweep_seconds))
    for each in rhythms:
        each.start()
    try:
        yield
    finally:
        for each in rhythms:
            each.stop()


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
