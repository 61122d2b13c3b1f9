"""The beat beside the work: renews leases, says that the worker lives, ends it if it hangs or swells.

Two threads: whoever looks at what goes on must not wait for a Redis that is silent.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import Doing, Status
from infra.status.status import owner_name
from infra.status.work import PageRange
from tasks.hold import Hold
from tasks.memory import Memory

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.5
_AGAIN_SECONDS = 1.0  # from a beat that Redis did not hear to the next


def end_process() -> None:
    """Kill this process at once, whatever its threads are in."""
    os.kill(os.getpid(), signal.SIGKILL)


class Heart:
    """Runs the beat, for whatever holds leases in this process."""

    def __init__(
        self,
        status: Status,
        queue: QueueSettings,
        *,
        worker: str,
        say: Callable[[Sequence[Doing] | None], None],
        note: Callable[[Sequence[Doing] | None], None] | None = None,
        end: Callable[[], None] = end_process,
        tell: Callable[[str], None] | None = None,
        memory: Memory | None = None,
    ) -> None:
        """Make a heart that does not beat yet.

        Args:
            status: Where leases are renewed; one that does not wait long for an answer.
            queue: For the rhythm and the hard limits.
            worker: The worker's name, for the owner of leases.
            say: Sends the worker's heartbeat; told what a task that runs is at, or None.
            note: Is told the same, to leave it on this host.
            end: Ends the process.
            tell: Is told before that, in words, why.
            memory: Says when the work on a page takes too much of it.
        """
        self._status = status
        self._queue = queue
        self._worker = worker
        self._say = say
        self._note = note
        self._end = end
        self._tell = tell
        self._memory = memory or Memory()
        self._holds: list[Hold] = []
        self._changing = threading.Lock()
        self._serial = count(1)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("watch", self._watch), ("heart", self._beat))
        ]

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """Give one run of a task an owner's name and have its leases renewed."""
        hold = Hold(owner_name(self._worker, os.getpid(), next(self._serial)), self._queue)
        with self._changing:
            self._holds = [*self._holds, hold]
        try:
            yield hold
        finally:
            with self._changing:
                self._holds = [one for one in self._holds if one is not hold]

    def end(self, why: str) -> None:
        """End the process: it can do no more work. What it has in hand is treated as after any death."""
        _log.critical("%s: its process ends", why)
        try:
            if self._tell is not None:
                self._tell(why)
        finally:  # a full disk does not keep alive what hangs
            self._end()

    def _watch(self) -> None:
        noted = float("-inf")
        while not self._stop.wait(self._tick()):
            holds = self._holds
            with _going_on("nobody has looked at what goes on"):
                for hold in holds:
                    self._check_time(hold)
                self._check_memory(holds)
            if time.monotonic() - noted >= self._queue.heartbeat_seconds:
                noted = time.monotonic()
                with _going_on("no beat is left on this host"):
                    self._leave_note(holds)

    def _leave_note(self, holds: Sequence[Hold]) -> None:
        if self._note is not None:
            self._note(_doing(holds))

    def _beat(self) -> None:
        due = float("-inf")
        while not self._stop.wait(self._tick()):
            if time.monotonic() < due:
                continue
            due = time.monotonic() + self._queue.heartbeat_seconds
            holds = self._holds
            heard = False
            with _going_on("no heartbeat"):
                self._renew(holds)  # first: whoever cannot say that it lives does live
                self._say(_doing(holds))
                heard = True
            if not heard:
                due = min(due, time.monotonic() + _AGAIN_SECONDS)

    def _tick(self) -> float:
        return min(_TICK_SECONDS, self._queue.heartbeat_seconds)

    def _check_time(self, hold: Hold) -> None:
        overdue = hold.overdue()
        if overdue is not None:
            self.end(overdue)

    def _check_memory(self, holds: Sequence[Hold]) -> None:
        """End the process while it is at something that takes far too much memory; pages are told why."""
        doing = [one for hold in holds for one in hold.doing()]
        over = self._memory.far_over() if doing else None
        if over is None:
            return
        held, most = over
        reason = f"Reading the page took its process to more than {most:.0f} MiB of memory each time."
        for hold in holds:
            with suppress(BrokerUnavailable):  # then they go on as after any death
                self._blame(hold, reason)
        at = " and ".join(map(str, doing))
        self.end(f"{at} took the process to {held:.0f} MiB of memory, more than {most:.0f}")

    def _blame(self, hold: Hold, reason: str) -> None:
        """Note for the pages that a run is at why its process ends."""
        at_work = {(one.document, one.page) for one in hold.doing()}
        for pages in map(PageRange.of_lease, hold.leases()):
            if pages is not None and (pages.document, pages.first) in at_work:
                self._status.fault_page(pages, pages.first, hold.owner, reason)

    def _renew(self, holds: Sequence[Hold]) -> None:
        for hold in holds:
            for lost in self._status.renew(hold.owner, hold.leases()):
                if hold.drop(lost):  # else it was given back in this very moment
                    _log.warning("the lease %s was lost: this process was taken for dead", lost)


def _doing(holds: Sequence[Hold]) -> Sequence[Doing] | None:
    """Return what goes on, the oldest first; None while no task runs."""
    doing = sorted((one for hold in holds for one in hold.doing()), key=lambda one: one.since)
    return doing if holds else None


@contextmanager
def _going_on(without: str) -> Iterator[None]:
    """Log what a part of a beat raises."""
    try:
        yield
    except BrokerUnavailable as error:
        _log.warning("%s: %s", without, error)
    except Exception:  # noqa: BLE001  -- the next beat must come: without it, every page in hand would be lost
        _log.exception(without)
