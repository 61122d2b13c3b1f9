"""Hands in what processes have counted, and when rhythms did their work; none of it may hold up the work."""

from __future__ import annotations

import logging
from collections.abc import Callable

from infra.errors import BrokerUnavailable
from infra.status import Store
from infra.telemetry.counters import Counters
from infra.telemetry.meter import METER

_log = logging.getLogger(__name__)
_EACH_HOST = "spool:"  # a rhythm for each host: there is no end of names


def hand_in(store: Store, rhythm: str | None = None) -> None:
    """Add what this process has counted to what the fleet has, and note that a rhythm has done its work.

    What Redis does not take while it is away is kept for the next time. Raises nothing: the beat goes on.
    """
    counters = Counters(store.client, store.keys)
    try:
        if rhythm is not None and not rhythm.startswith(_EACH_HOST):
            counters.acted(rhythm)
        counters.take(METER)
    except BrokerUnavailable as error:
        _log.debug("nothing is handed in: %s", error)
    except Exception:  # noqa: BLE001  -- a key that somebody else has written to, perhaps
        _log.exception("what was counted is lost")


def noted(store: Store, rhythm: str, act: Callable[[], int]) -> Callable[[], int]:
    """Return what does `act` and notes that it was done. Raises what it raises."""

    def noting() -> int:
        count = act()
        hand_in(store, rhythm)
        return count

    return noting
