"""Work that comes round, led by one worker at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from infra.errors import BrokerUnavailable
from infra.status import Fleet

_log = logging.getLogger(__name__)
_MISSES = 4  # beats after which somebody else leads


class Rhythm:
    """Calls `act` every `seconds` while this candidate leads; a thread of its own."""

    def __init__(
        self, name: str, seconds: float, fleet: Fleet, candidate: str, act: Callable[[], int]
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._fleet = fleet
        self._candidate = candidate
        self._act = act
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the beat that goes on."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                if self._fleet.lead(self._name, self._candidate, self._seconds * _MISSES):
                    self._act()
            except BrokerUnavailable as error:
                _log.warning("%s: %s", self._name, error)
            except Exception:  # noqa: BLE001  -- the next beat must come
                _log.exception("%s failed", self._name)
