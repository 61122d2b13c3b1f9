"""The processes: Celery app and life cycle, command line, local stack. Everything is put together here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.run import run_worker

__all__ = ["run_worker"]


def __getattr__(name: str) -> Any:
    """Import `run_worker` at its first use: most commands never run one."""
    if name != "run_worker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from worker.run import run_worker  # noqa: PLC0415  -- see above

    return run_worker
