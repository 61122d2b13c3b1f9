"""What one run of a task has in hand: its leases, and what it is at, since when, and until when at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra.log import bound, log_context_of
from infra.settings import QueueSettings
from infra.status import Activity, Doing
from infra.telemetry.meter import METER
from infra.telemetry.tracing import span, traceparent

# Their parts are calls to the storage, which has time-outs of its own: the limit is for getting on.
_OF_THE_STORAGE = frozenset({Activity.FETCHING, Activity.WRITING, Activity.FINALIZING})


@dataclass(slots=True)
class _Going:
    """Something that goes on; `moved` is the clock's time of its last progress."""

    activity: Activity
    document: str
    page: int | None
    moved: float


@dataclass(slots=True)
class Hold:
    """One run of a task, used by all of its threads. Make it where the task runs.

    Attributes:
        owner: The name that its leases bear.
        queue: For the limits.
        trace: The task's `traceparent`, if it is traced.
        names: What the task's lines of log name.
    """

    owner: str
    queue: QueueSettings
    trace: str | None = field(default_factory=traceparent)
    names: Mapping[str, str | int] = field(default_factory=bound)
    _leases: set[str] = field(default_factory=set)
    _going: list[_Going] = field(default_factory=list)
    _moved: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, lease: str) -> None:
        """Have a lease renewed from now on."""
        with self._lock:
            self._moved = time.monotonic()
            self._leases.add(lease)

    def drop(self, lease: str) -> bool:
        """Stop renewing a lease; says whether it was in hand."""
        with self._lock:
            self._moved = time.monotonic()
            held = lease in self._leases
            self._leases.discard(lease)
            return held

    def move(self) -> None:
        """Note progress between activities."""
        with self._lock:
            self._moved = time.monotonic()

    @contextmanager
    def timed(
        self, activity: Activity, document: str, page: int | None = None
    ) -> Iterator[Callable[[], None]]:
        """Hold the work inside to the limit for its activity; gives what notes progress in it.

        Its time is counted, its lines of log name document and page, and it is a span of the task's trace.
        """
        begun = time.monotonic()
        going = _Going(activity, document, page, begun)

        def move() -> None:
            with self._lock:
                going.moved = time.monotonic()

        with self._lock:
            self._going.append(going)
        try:
            with (
                log_context_of(self.names, page=page),
                span(activity.value, parent=self.trace, document=document, page=page),
            ):
                yield move
        finally:
            METER.count("stage_seconds_total", activity.value, METER.kind, by=time.monotonic() - begun)
            with self._lock:
                self._going = [one for one in self._going if one is not going]
                self._moved = time.monotonic()

    def leases(self) -> list[str]:
        """Return the leases to be renewed."""
        with self._lock:
            return sorted(self._leases)

    def doing(self) -> list[Doing]:
        """Return what goes on, the oldest first, in the time of day."""
        now, today = time.monotonic(), time.time()
        with self._lock:
            return [self._told(one, today - now) for one in sorted(self._going, key=lambda one: one.moved)]

    def overdue(self) -> str | None:
        """Return in words what takes longer than it may; None while all is well."""
        now = time.monotonic()
        with self._lock:
            for one in self._going:
                limit = self._limit(one.activity)
                if now - one.moved > limit:
                    return f"{self._told(one, 0.0)} took longer than {limit:g} s"
            if not self._going and now - self._moved > self.queue.step_seconds:
                return f"nothing moved for {self.queue.step_seconds:g} s"
        return None

    def _limit(self, activity: Activity) -> float:
        return self.queue.step_seconds if activity in _OF_THE_STORAGE else self.queue.page_seconds

    def _told(self, one: _Going, offset: float) -> Doing:
        limit, since = self._limit(one.activity), one.moved + offset
        return Doing(
            activity=one.activity, document=one.document, page=one.page, since=since, until=since + limit
        )
