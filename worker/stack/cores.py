"""The processor cores this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Cores, at least 1; fewer than the machine has where the process is bound to some of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_per_worker(workers: int) -> int:
    """How many threads each of `workers` processes gets, at least 1, so that together they fill the cores."""
    return max(1, available_cores() // workers)
