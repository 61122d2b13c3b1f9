"""The time that pages take one after the other, whichever of a process's ranges they are of."""

from __future__ import annotations

import threading
import time


class Laps:
    """Shares out the time in which the process is busy among the pages it reads, each second once."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self._lock = threading.Lock()

    def lap(self, begun: float) -> float:
        """Return the seconds since the last page, or since `begun` (monotonic) if that is later."""
        with self._lock:
            now = time.monotonic()
            seconds = now - max(begun, self._last)
            self._last = now
            return seconds
