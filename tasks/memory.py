"""What this process holds in memory, and whether that is too much to go on."""

from __future__ import annotations

import logging
import math
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from infra.errors import SettingsError
from infra.telemetry.meter import METER

_log = logging.getLogger(__name__)
_STATM = Path("/proc/self/statm")
_PEAK_UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of `ru_maxrss` in a MiB


def resident_mb() -> float:
    """Return how much of this process's memory is resident, in MiB; where only its peak is told, that."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PEAK_UNIT


class Memory:
    """Compares what the process holds with a limit, after each page.

    Attributes:
        exceeded: Whether the process is to be replaced; it begins no further page.
    """

    def __init__(
        self,
        limit_mb: float = 0,
        *,
        measure: Callable[[], float] = resident_mb,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Make one; 0 is no limit. `tell` is given a sentence that names the page that was one too many."""
        self.exceeded = False
        self._limit_mb = limit_mb
        self._measure = measure
        self._tell = tell

    def check_warm(self) -> None:
        """Refuse a limit that leaves nothing for pages. Raises `SettingsError`."""
        held = self._measure()
        if 0 < self._limit_mb < held:
            raise SettingsError(
                f"PAGELINE_QUEUE__CHILD_MEMORY_MB is {self._limit_mb:g}, but a process holds {held:.0f} MiB "
                "before its first page"
            )

    def kilobytes(self) -> int:
        """Return what the pool compares with the limit after each task, in KiB."""
        held = self._measure()
        return math.ceil(1024 * (max(held, self._limit_mb + 1) if self.exceeded else held))

    def after(self, page: str) -> bool:
        """Say whether the process holds too much after `page` (in words)."""
        if self.exceeded or self._limit_mb <= 0:
            return self.exceeded
        held = self._measure()
        if held > self._limit_mb:
            self.exceeded = True
            METER.count("processes_replaced_total", METER.kind)
            sentence = f"after {page} the process held {held:.0f} MiB, more than {self._limit_mb:g}"
            _log.warning("%s: it is replaced", sentence)
            if self._tell is not None:
                self._tell(sentence)
        return self.exceeded
