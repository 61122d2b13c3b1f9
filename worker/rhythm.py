"""Work that comes round, led by one worker at a time."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from infra.errors import BrokerUnavailable, StorageError
from infra.status import Fleet

_log = logging.getLogger(__name__)
_SHARE = 0.9  # of a pause for which others leave the beat to whoever had the last one
_KEPT_SECONDS = 5.0  # at the least, for which beats that are led by one stay with whoever had the last
_DOUBLINGS = 6  # of the pause, at most, while the storage does not answer


class Rhythm:
    """Calls `act` every `seconds` while this candidate leads; a thread of its own.

    Whoever asks first when a beat is due has it, so that no beat waits for a candidate that has died. With
    `lead_seconds`, what one call may take, nobody else calls meanwhile, and the next is its own unless it
    stays away: at other rhythms two do no harm.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        fleet: Fleet,
        candidate: str,
        act: Callable[[], int],
        lead_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._fleet = fleet
        self._candidate = candidate
        self._act = act
        self._lead_seconds = max(seconds * _SHARE, lead_seconds)
        self._kept_seconds = min(self._lead_seconds, max(2 * seconds, _KEPT_SECONDS))
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
        pause, failures = self._seconds, 0
        while not self._stop.wait(pause):
            failures = 0 if self.beat() else min(failures + 1, _DOUBLINGS)
            spread = random.uniform(0.5, 1.0) if failures else 1.0  # noqa: S311  -- spreads load, guards nothing
            pause = self._seconds * 2**failures * spread

    def beat(self) -> bool:
        """Act if it is this one's turn; False when the storage did not answer and is to be left in peace."""
        try:
            if self._fleet.lead(self._name, self._candidate, self._lead_seconds):
                try:
                    self._act()
                finally:
                    if self._kept_seconds < self._lead_seconds:
                        self._fleet.lead(self._name, self._candidate, self._kept_seconds)
        except StorageError as error:
            _log.warning("%s: %s", self._name, error)
            return False
        except BrokerUnavailable as error:
            _log.warning("%s: %s", self._name, error)
        except Exception:  # noqa: BLE001  -- the next beat must come
            _log.exception("%s failed", self._name)
        return True
