"""The child process: prepared once, before it takes work, and warm from then on."""

# ruff: noqa: PLC0415  -- the parent imports this module too, and needs neither pipeline nor storage
from __future__ import annotations

import logging
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from celery import current_app
from celery.signals import setup_logging as celery_sets_up_logging
from celery.signals import worker_init, worker_process_init, worker_process_shutdown

from infra.settings import Settings
from infra.status import Heartbeat
from tasks.queues import CONTROL
from worker.guards import check_pool
from worker.logs import set_up_logs
from worker.plan import WorkerPlan

if TYPE_CHECKING:
    from tasks.context import Context

_log = logging.getLogger(__name__)
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
    from worker.sending import send_with

    read_limits(settings)  # wrong ones are to be found now, not with the first document
    store = open_store(settings)
    forfeited = store.status.forfeit(plan.name, os.getpid())
    if forfeited:
        _log.warning("an earlier process of this worker died with %d leases", forfeited)
    voice = Voice(plan)
    heart = Heart(
        store.status,
        settings.queue,
        worker=plan.name,
        say=lambda busy: store.fleet.beat(voice.heartbeat(busy=busy)),
    )
    cache = SourceCache(settings.work_dir, settings.cache_bytes, worker=plan.name)
    cache.clean()
    context = Context(Tools(settings, store, send_with(current_app)), heart, cache, plan.draining)
    heart.start()
    if plan.device != CONTROL:
        from worker.warm import warm_pipeline

        pipeline, digest = warm_pipeline(settings.pipeline, plan.device)
        context.pipeline = pipeline
        voice.digest = digest
    voice.context = context
    install(context)
    store.fleet.beat(voice.heartbeat(busy=False))


class Voice:
    """What this process says of itself."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._started = time.time()
        self.digest: str | None = None
        self.context: Context | None = None

    def heartbeat(self, *, busy: bool) -> Heartbeat:
        """Return the heartbeat of this moment."""
        state: Literal["warming", "idle", "busy"] = "busy" if busy else "idle"
        speed = self.context.speed if self.context is not None else None
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
            digest=self.digest,
        )


@worker_process_shutdown.connect
def leave(**_: Any) -> None:
    """Stop beating."""
    from tasks.context import current

    try:
        current().heart.stop()
    except RuntimeError:  # never prepared
        return


def _end_worker(plan: WorkerPlan, sentence: str) -> NoReturn:
    plan.give_up(sentence)
    os.kill(os.getppid(), signal.SIGTERM)
    os._exit(_EXIT_CODE)
