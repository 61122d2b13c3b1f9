"""The end of a worker that is to work until nothing is left: in a job, on a machine rented by the second."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.errors import BrokerUnavailable
from infra.status import Store
from infra.status.keys import is_control_lane
from tasks.queues import CONTROL
from worker.plan import WorkerPlan

_log = logging.getLogger(__name__)
_LETTER_SECONDS = 60.0  # letters that are due later are left to the next control worker
_LOOKS = 2  # in a row that find nothing: work may be on its way from one line to the next


def nothing_left(store: Store, kind: str) -> bool:
    """Say whether nothing is left that a worker of this kind does, now or once others have done their part.

    A reader waits for documents that are yet to be opened as long as somebody is there who opens them. A
    control worker waits for everything, and for letters that are due.
    """
    lanes = store.fleet.lane_sizes()
    if kind == CONTROL:
        return not any(lanes.values()) and not store.outbox.soon(_LETTER_SECONDS)
    kinds = {beat.kind for beat in store.fleet.workers()}
    own = sum(size for lane, size in lanes.items() if _may_come(lane, kind))
    if CONTROL in kinds:
        own += sum(
            size for lane, size in lanes.items() if is_control_lane(lane) and not lane.endswith(":finalize")
        )
    elsewhere = kinds - {kind}
    theirs = [one for one in store.placements.all() if not one.wished and one.kind in elsewhere]
    return own <= len(theirs)


def _may_come(lane: str, kind: str) -> bool:
    """Whether what is in a lane of ranges may go to a kind: it asks for that, or for none."""
    return not is_control_lane(lane) and lane.split(":", 2)[2:] in ([], [kind])


class Drain:
    """Ends this process's worker, as SIGTERM would, when nothing is left for it."""

    def __init__(
        self, store: Store, plan: WorkerPlan, seconds: float, end: Callable[[], None] | None = None
    ) -> None:
        """Make one that does not look yet; it looks every `seconds`, from when the worker is warm on."""
        self._store = store
        self._plan = plan
        self._seconds = seconds
        self._end = end or _end_this_process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look while the context is open."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        looks = 0
        while not self._stop.wait(self._seconds):
            looks = looks + 1 if self._finished() else 0
            if looks >= _LOOKS:
                _log.info("nothing is left for %s, which ends", self._plan.name)
                self._end()
                return

    def _finished(self) -> bool:
        try:
            own = [beat for beat in self._store.fleet.workers() if beat.name == self._plan.name]
            return any(beat.state == "idle" for beat in own) and nothing_left(self._store, self._plan.kind)
        except BrokerUnavailable as error:
            _log.warning("whether anything is left cannot be seen: %s", error)
            return False


def _end_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
