"""The Celery app of a worker."""

from __future__ import annotations

from typing import Any

from celery import Celery

from infra.settings import Settings
from tasks.queues import CONTROL, broker_conf, queues_of
from worker.acknowledging import give_places_back
from worker.loader import Loader
from worker.plan import WorkerPlan

# What a child imports before it takes work: the tasks, and what prepares the process for them.
_MODULES = ("tasks.entry", "worker.child")
_WARM_SECONDS = 60.0  # what loading a pipeline may take before the pool takes the child for dead
_LOST_SECONDS = 1.0  # what the pool waits for a result that a dead child may have sent


def make_app(settings: Settings, plan: WorkerPlan) -> Celery:
    """Make the app of one worker. Its children are told settings and plan through the app's own settings."""
    give_places_back()
    app = Celery("pageline", include=list(_MODULES), loader=Loader)
    app.conf.update(
        broker_conf(settings.broker_url, settings.key_prefix, settings.queue.visibility_seconds),
        **_reliability(),
        **_process(settings.queue.child_memory_mb),
        pageline_settings=settings.model_dump(mode="json"),
        pageline_plan=plan.to_conf(),
    )
    app.set_default()
    return app


def queues_for(plan: WorkerPlan) -> list[str]:
    """Return the queues that a worker serves."""
    return queues_of(CONTROL if plan.device == CONTROL else plan.kind)


def _reliability() -> dict[str, Any]:
    """A message is acknowledged when its task has ended, not before; failures are ours to repeat."""
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": False,
        "task_acks_on_timeout": False,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
    }


def _process(memory_mb: int) -> dict[str, Any]:
    """One spawned child that stays warm. Liveness is the child's own heartbeat, so nothing answers pings."""
    return {
        "worker_pool": "prefork",
        "worker_pool_start_method": "spawn",
        "worker_concurrency": 1,
        "worker_max_memory_per_child": memory_mb * 1024 or None,
        "worker_proc_alive_timeout": _WARM_SECONDS,
        "worker_lost_wait": _LOST_SECONDS,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }
