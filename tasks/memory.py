"""What this process holds in memory: whether that is too much to go on, or to go on with a page."""

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
_CONTAINER = Path("/sys/fs/cgroup/memory.max")  # in bytes: what a container may use
_TIMES = 2.0  # the limit between pages: what the work on one may take for a while
_SHARE = 0.9  # of all there is: beyond that the system ends whatever it likes, and names no page
_PEAK_UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of `ru_maxrss` in a MiB


def resident_mb() -> float:
    """Return how much of this process's memory is resident, in MiB; where only its peak is told, that."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PEAK_UNIT


def available_mb() -> float:
    """Return what this process's container is given, or else what the machine has, in MiB."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    try:
        return min(machine, int(_CONTAINER.read_text(encoding="ascii")) / 2**20)
    except (OSError, ValueError):  # no such file, or `max`: no limit
        return machine


class Memory:
    """Compares what the process holds with a limit after each page, and with a higher one meanwhile.

    Attributes:
        exceeded: Whether the process is to be replaced; it begins no further page.
    """

    def __init__(
        self,
        limit_mb: float = 0,
        page_mb: float = 0,
        *,
        available: float = 0,
        measure: Callable[[], float] = resident_mb,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Make one.

        Args:
            limit_mb: After a page; 0 is no limit.
            page_mb: While it goes on; 0 for twice `limit_mb`, or nine tenths of `available` if that is less.
            available: What the process's container is given, or the machine has; 0 where that is not known.
            measure: What the process holds.
            tell: Is given a sentence that names the page that was one too many.
        """
        self.exceeded = False
        self._limit_mb = limit_mb
        self._page_mb = page_mb
        self._available = available
        self._most_mb = 0.0  # a pipeline may take what it takes until it is warm
        self._measure = measure
        self._tell = tell

    def check_warm(self) -> None:
        """Refuse a limit that leaves nothing for pages; from now on they have one. Raises `SettingsError`."""
        held = self._measure()
        for name, limit in (("CHILD_MEMORY_MB", self._limit_mb), ("PAGE_MEMORY_MB", self._page_mb)):
            if 0 < limit < held:
                raise SettingsError(
                    f"PAGELINE_QUEUE__{name} is {limit:g}, but a process holds {held:.0f} MiB "
                    "before its first page"
                )
        derived = min(filter(None, (_TIMES * self._limit_mb, _SHARE * self._available)), default=0.0)
        self._most_mb = self._page_mb or (derived if derived > held else 0.0)

    def far_over(self) -> tuple[float, float] | None:
        """Return what the process holds and the most it may hold for a page, if it holds more than that."""
        held = self._measure() if self._most_mb > 0 else 0.0
        return (held, self._most_mb) if held > self._most_mb else None

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
