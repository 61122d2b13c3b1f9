"""Going on when what is not there comes back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from infra.errors import InfraError

_log = logging.getLogger(__name__)
_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 5.0
Result = TypeVar("Result")


def patiently(act: Callable[[], Result], meanwhile: Callable[[], None] | None = None) -> Result:
    """Call `act` until it meets no error that a later try may not meet, and return what it returns.

    Calls `meanwhile` before each pause. Raises what is not retryable.
    """
    pause = _FIRST_SECONDS
    while True:
        try:
            return act()
        except InfraError as error:
            if not error.retryable:
                raise
            _log.warning("waiting: %s", error)
        if meanwhile is not None:
            meanwhile()
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_SECONDS)
