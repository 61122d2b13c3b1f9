"""The beat beside the work: renews leases, says that the worker lives, and ends a process that hangs."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import Status
from infra.status.status import owner_name

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.5


def end_process() -> None:
    """Kill this process at once, whatever its threads are in."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class Hold:
    """What one run of a task has in hand: its leases, and since when it works on which page.

    Attributes:
        owner: The name that its leases bear.
    """

    owner: str
    _leases: set[str] = field(default_factory=set)
    _since: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, lease: str) -> None:
        """Have a lease renewed from now on."""
        with self._lock:
            self._leases.add(lease)

    def drop(self, lease: str) -> bool:
        """Stop renewing a lease; says whether it was in hand."""
        with self._lock:
            held = lease in self._leases
            self._leases.discard(lease)
            return held

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Hold the work inside to the hard limit for a page; `what` names it in the log."""
        with self._lock:
            self._since[what] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._since.pop(what, None)

    def leases(self) -> list[str]:
        """Return the leases to be renewed."""
        with self._lock:
            return sorted(self._leases)

    def longest(self) -> tuple[float, str]:
        """Return the seconds and the name of what has been worked on for longest; zero for nothing."""
        now = time.monotonic()
        with self._lock:
            return max(((now - since, what) for what, since in self._since.items()), default=(0.0, ""))


class Heart:
    """Runs the beat. One task at a time holds leases in a process."""

    def __init__(
        self,
        status: Status,
        queue: QueueSettings,
        *,
        worker: str,
        say: Callable[[bool], None],
        end: Callable[[], None] = end_process,
    ) -> None:
        """Make a heart that does not beat yet.

        Args:
            status: Where leases are renewed.
            queue: For the rhythm and the hard limit.
            worker: The worker's name, for the owner of leases.
            say: Sends the worker's heartbeat; told whether a task runs.
            end: Ends the process.
        """
        self._status = status
        self._queue = queue
        self._worker = worker
        self._say = say
        self._end = end
        self._hold: Hold | None = None
        self._serial = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """Give one run of a task an owner's name and have its leases renewed."""
        self._serial += 1
        hold = Hold(owner_name(self._worker, os.getpid(), self._serial))
        self._hold = hold
        try:
            yield hold
        finally:
            self._hold = None

    def _beat(self) -> None:
        last = float("-inf")
        while not self._stop.wait(min(_TICK_SECONDS, self._queue.heartbeat_seconds)):
            hold = self._hold
            if hold is not None:
                self._check_time(hold)
            if time.monotonic() - last >= self._queue.heartbeat_seconds:
                last = time.monotonic()
                self._renew(hold)

    def _check_time(self, hold: Hold) -> None:
        seconds, what = hold.longest()
        if seconds > self._queue.page_seconds:
            _log.critical("%s took longer than %g s: its process ends", what, self._queue.page_seconds)
            self._end()

    def _renew(self, hold: Hold | None) -> None:
        try:
            self._say(hold is not None)
            if hold is not None:
                for lost in self._status.renew(hold.owner, hold.leases()):
                    if hold.drop(lost):  # else it was given back in this very moment
                        _log.warning("the lease %s was lost: this process was taken for dead", lost)
        except BrokerUnavailable as error:
            _log.warning("no heartbeat: %s", error)
        except Exception:  # noqa: BLE001  -- the next beat must come: without it, every page in hand would be lost
            _log.exception("no heartbeat")
