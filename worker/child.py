"""The child process: prepared once, before it takes work, and warm from then on."""

# ruff: noqa: PLC0415  -- the parent imports this module too, and needs neither pipeline nor storage
from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from celery import current_app
from celery.signals import setup_logging as celery_sets_up_logging
from celery.signals import worker_init, worker_process_init, worker_process_shutdown

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings, Settings
from infra.settled import settle
from infra.status import BEATS, Doing, Heartbeat
from infra.telemetry.meter import METER
from infra.telemetry.tracing import end_tracing, set_up_tracing
from tasks.memory import Memory, available_mb, resident_mb
from tasks.queues import CONTROL, queues_of
from worker.guards import check_pool
from worker.logs import set_up_logs
from worker.noting import hand_in
from worker.plan import WorkerPlan
from worker.pulse import PulseFile

if TYPE_CHECKING:
    from tasks.context import Context

_log = logging.getLogger(__name__)
_VERSION = version("pageline")
_EXIT_CODE = 78  # EX_CONFIG: this worker cannot work as it is set up


@celery_sets_up_logging.connect
def leave_logging_alone(**_: object) -> None:
    """Celery sets up logging unless somebody listens to this, in the parent as in the child."""


worker_init.connect(check_pool)  # however a worker of this app is started


@worker_process_init.connect
def prepare(**_: object) -> None:
    """Prepare this process for its tasks; one that cannot be must not take any, and ends its worker."""
    settings = Settings.model_validate(current_app.conf["pageline_settings"])
    plan = WorkerPlan(**current_app.conf["pageline_plan"])
    set_up_logs(settings)
    try:
        set_up_tracing(plan.name)
        _prepare(settings, plan)
    except Exception as error:  # noqa: BLE001  -- Celery would log it and go on without
        _log.exception("this worker cannot work")
        _end_worker(plan, str(error) or type(error).__name__)


def _prepare(settings: Settings, plan: WorkerPlan) -> None:
    """Forfeit what earlier children held, begin to beat, warm the pipeline, let tasks in."""
    from infra.status import open_store
    from tasks.context import Context, Tools, install
    from tasks.heart import Heart
    from tasks.limits import read_limits
    from tasks.sourcecache import SourceCache
    from tasks.spool import Spool
    from worker.sending import send_with

    read_limits(settings)  # wrong ones are to be found now, not with the first document
    store = open_store(settings)
    forfeited = store.status.forfeit(plan.name, os.getpid())
    if forfeited:
        _log.warning("an earlier process of this worker died with %d leases", forfeited)
    voice = Voice(plan, settings.queue)
    METER.kind = plan.kind

    queue, tell = settings.queue, plan.note_replaced
    beats = open_store(settings, answer_seconds=max(1.0, queue.heartbeat_seconds))

    def say(doing: Sequence[Doing] | None) -> None:
        beats.fleet.beat(voice.heartbeat(doing))
        hand_in(beats)

    memory = Memory(queue.child_memory_mb, queue.page_memory_mb, available=available_mb(), tell=tell)
    heart = Heart(beats.status, queue, worker=plan.name, say=say, note=voice.note, tell=tell, memory=memory)
    cache = SourceCache(settings.work_dir, settings.cache_bytes, used=plan.used)
    cache.clean()
    spool = Spool(settings.work_dir, settings.spool_bytes)
    spool.clean()
    tools = Tools(settings, store, send_with(current_app, store))
    context = Context(tools, heart, cache, spool, plan.draining, memory=memory)
    heart.start()
    if plan.device != CONTROL:
        _warm(context, voice, plan)
    memory.check_warm()
    _replace_when_exceeded(memory)
    voice.context = context
    install(context)
    _import_the_rest(context)
    settle()
    voice.note(None)
    with suppress(BrokerUnavailable):  # it comes again
        say(None)


def _warm(context: Context, voice: Voice, plan: WorkerPlan) -> None:
    """Give a reading process its pipeline, warm, and a way to more than one range at a time."""
    from worker.receiving import take_with
    from worker.warm import batching_of, other_pipeline, warm_pipeline

    chosen = context.settings.pipeline
    pipeline, digest = warm_pipeline(chosen, plan.device)
    context.pipeline = pipeline
    context.take = take_with(current_app, queues_of(plan.kind))
    voice.batching = partial(batching_of, pipeline)
    context.open_pipeline = partial(other_pipeline, chosen, plan.device)
    voice.digest = digest
    voice.described = getattr(pipeline, "describe", dict)()  # only `predict` is asked of a pipeline


def _import_the_rest(context: Context) -> None:
    """Import what tasks import late: whoever upgrades under a running worker mixes no versions."""
    import tasks.company
    import tasks.deliver
    import tasks.finalize
    import tasks.ingest
    import tasks.pages
    import tasks.split  # noqa: F401  -- as those above

    _ = context.results  # brings its storage's client


def _replace_when_exceeded(memory: Memory) -> None:
    """Have the pool ask ours after each task: its own measure is the peak, and never falls."""
    from billiard import pool

    setattr(pool, "mem_rss", memory.kilobytes)  # noqa: B010  -- its types know nothing of it


class Voice:
    """What this process says of itself."""

    def __init__(self, plan: WorkerPlan, queue: QueueSettings) -> None:
        self._plan = plan
        self._started = time.time()
        self._file = PulseFile(Path(plan.folder), BEATS * queue.heartbeat_seconds)
        self.digest: str | None = None
        self.described: Mapping[str, Any] = {}
        self.context: Context | None = None
        self.batching: Callable[[], tuple[int, int, int]] = lambda: (1, 1, 0)

    def heartbeat(self, doing: Sequence[Doing] | None) -> Heartbeat:
        """Return the heartbeat of this moment."""
        state: Literal["warming", "idle", "busy"] = "idle" if doing is None else "busy"
        speed = self.context.speed if self.context is not None else None
        at_once, batch, halved = self.batching()
        return Heartbeat(
            name=self._plan.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            device=self._plan.device,
            kind=self._plan.kind,
            state=state if self.context is not None else "warming",
            started=self._started,
            pages_per_second=speed.pages_per_second if speed is not None else None,
            megapixels_per_second=speed.megapixels_per_second if speed is not None else None,
            measured=speed.at if speed is not None else None,
            digest=self.digest,
            pipeline=self.described.get("name"),
            engine=self.described.get("engine"),
            precision=self.described.get("precision"),
            version=_VERSION,
            at=time.time(),
            doing=tuple(doing or ()),
            memory_mb=round(resident_mb(), 1),
            replaced=self._plan.why_replaced(),
            at_once=at_once,
            batch=batch,
            halved=halved,
        )

    def note(self, doing: Sequence[Doing] | None) -> None:
        """Leave the heartbeat of this moment in a file: a probe must not depend on Redis."""
        self._file.beat(self.heartbeat(doing).model_dump(mode="json"))


@worker_process_shutdown.connect
def leave(**_: Any) -> None:
    """Stop beating, and hand in what was counted and traced since the last beat."""
    from tasks.context import current

    try:
        context = current()
    except RuntimeError:  # never prepared
        return
    context.heart.stop()
    hand_in(context.store)
    end_tracing()


def _end_worker(plan: WorkerPlan, sentence: str) -> NoReturn:
    plan.give_up(sentence)
    os.kill(os.getppid(), signal.SIGTERM)
    os._exit(_EXIT_CODE)
