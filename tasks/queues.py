"""Names of queues and tasks, and how Celery is set up to carry them. Imported by whoever only announces."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

CONTROL = "control"
INGEST = "pageline.ingest"
SPLIT = "pageline.split"
PAGES = "pageline.pages"
FINALIZE = "pageline.finalize"
DELIVER = "pageline.deliver"
_NORMAL = "normal"
_PRIORITIES = ("high", _NORMAL, "bulk")


def queue_for(kind: str, priority: str) -> str:
    """Return the queue of a kind of device and a priority: `ocr.cpu`, `ocr.gpu.high` and the like."""
    return f"ocr.{kind}" if priority == _NORMAL else f"ocr.{kind}.{priority}"


def queues_of(kind: str) -> list[str]:
    """Return the queues that a worker of this kind serves, in turn."""
    return [CONTROL] if kind == CONTROL else [queue_for(kind, priority) for priority in _PRIORITIES]


def broker_conf(broker_url: str, key_prefix: str, visibility_seconds: int) -> dict[str, Any]:
    """Return what everybody who uses the broker must agree on.

    The visibility timeout stands in all three places, since the shortest among all programs on a broker wins.
    Restores are looked for every second, and a process that dies while it restores blocks that for five.
    """
    return {
        "broker_url": _verified(broker_url),
        "broker_transport_options": {
            "global_keyprefix": key_prefix,
            "visibility_timeout": visibility_seconds,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 5,
            "queue_order_strategy": "round_robin",
            "priority_steps": [0],
        },
        "visibility_timeout": visibility_seconds,
        "result_backend": None,
        "result_backend_transport_options": {"visibility_timeout": visibility_seconds},
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": CONTROL,
        "task_create_missing_queues": True,
    }


def _verified(broker_url: str) -> str:
    """Have the server's certificate verified: Celery's transport does so only where the URL says how."""
    parts = urlsplit(broker_url)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in parse_qs(parts.query):
        return broker_url
    return f"{broker_url}{'&' if parts.query else '?'}ssl_cert_reqs=required"
