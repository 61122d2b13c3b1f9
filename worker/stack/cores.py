"""How a host's cores are shared among its workers."""

from __future__ import annotations

from pipelines.cores import available_cores


def threads_per_worker(workers: int) -> int:
    """How many threads each of `workers` processes gets, at least 1, so that together they fill the cores."""
    return max(1, available_cores() // workers)
