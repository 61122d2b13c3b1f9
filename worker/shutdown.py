"""The way out: on SIGTERM the child drains; a timer ends it the hard way before the platform would."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

from billiard.process import active_children

from worker.plan import WorkerPlan

_log = logging.getLogger(__name__)
_LAST_SECONDS = 5.0  # for the messages of a killed child to go back
_EXIT_CODE = 75  # EX_TEMPFAIL


class Shutdown:
    """Handler of Celery's `worker_shutting_down`; the second call does not wait."""

    def __init__(self, plan: WorkerPlan, seconds: float, *, kill: Callable[[], None] | None = None) -> None:
        self._plan = plan
        self._seconds = seconds
        self._kill = kill or kill_children
        self._timer: threading.Timer | None = None

    def begin(self, **_: object) -> None:
        """Have the child drain and start the timer; called again, end the child now."""
        if self._timer is None:
            self._plan.start_draining()
            self._timer = self._after(self._seconds, self._end)
        else:
            self._timer.cancel()
            self._end()

    def done(self) -> None:
        """Stop the timer: the worker has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        _log.warning("the child is ended while it works; its page is read again elsewhere")
        self._timer = self._after(_LAST_SECONDS, lambda: os._exit(_EXIT_CODE))
        self._kill()

    @staticmethod
    def _after(seconds: float, act: Callable[[], None]) -> threading.Timer:
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()
        return timer


def kill_children() -> None:
    """Kill the pool's processes."""
    for child in active_children():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
