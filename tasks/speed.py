"""How fast this process reads: an average in which old pages fade."""

from __future__ import annotations

import time

from infra.telemetry.meter import METER

_FADE = 0.9  # of what was known, for each further page


class Speed:
    """Pages and megapixels per second over recent pages; None until one was read.

    Attributes:
        at: When the last of them was read, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self._pages = 0.0
        self._megapixels = 0.0
        self._seconds = 0.0
        self.at: float | None = None

    def add(self, megapixels: float, seconds: float) -> None:
        """Count one page that kept the process busy for `seconds`."""
        METER.count("pages_read_total", METER.kind)
        METER.count("megapixels_read_total", METER.kind, by=megapixels)
        METER.observe("page_seconds", seconds, METER.kind)
        self._pages = self._pages * _FADE + 1
        self._megapixels = self._megapixels * _FADE + megapixels
        self._seconds = self._seconds * _FADE + seconds
        self.at = time.time()

    @property
    def pages_per_second(self) -> float | None:
        """Pages per second."""
        return self._pages / self._seconds if self._seconds > 0 else None

    @property
    def megapixels_per_second(self) -> float | None:
        """Megapixels per second."""
        return self._megapixels / self._seconds if self._seconds > 0 else None
