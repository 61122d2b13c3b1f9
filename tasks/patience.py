"""Single calls to the storage are made again, where giving up would throw much away that had succeeded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from infra.errors import StorageError

_FIRST_SECONDS = 0.05  # of pause; doubled each time, with jitter
_PATIENCE_SECONDS = 2.0  # beyond this it is an outage, and waiting is done outside the worker's slot
Found = TypeVar("Found")


def patiently(call: Callable[[], Found], *, patience: float = _PATIENCE_SECONDS) -> Found:
    """Return what `call` returns, which may be done twice without harm.

    After a transient `StorageError` it is made again after a short pause, as long as no more than `patience`
    seconds have gone by; then, and for other errors, the last one is raised.
    """
    until, pause = time.monotonic() + patience, _FIRST_SECONDS
    while True:
        try:
            return call()
        except StorageError as error:
            if not error.retryable or time.monotonic() + pause > until:
                raise
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  -- spreads load, guards nothing
        pause *= 2
