"""What became of events, by reason."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from threading import Lock


class Outcome(StrEnum):
    """Why an event led to an announcement, or to none."""

    ANNOUNCED = "announced"
    LATE = "announced late"  # a version older than one that was announced before
    REPEATED = "repeated"
    REPLACED = "replaced"  # a newer event of the same object was heard before
    DELETED = "deleted"  # the object was removed after what this tells
    REMOVED = "removals"
    RESULT = "results"
    SIDECAR = "sidecars"
    NO_DOCUMENT = "no documents"  # hidden, unfinished, or a folder's empty key
    OUTSIDE = "outside all sources"
    OTHER = "of other kinds"  # tests, tags, restores
    INVALID = "not understood"


class Counts:
    """How many events had which outcome; any thread may add."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._lock = Lock()

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        with self._lock:
            self._counts[outcome] += 1

    @property
    def total(self) -> int:
        """All that were counted."""
        return sum(self.by_name().values())

    def by_name(self) -> dict[str, int]:
        """The outcomes that occurred, in the order of their declaration."""
        with self._lock:
            return {each.value: self._counts[each] for each in Outcome if self._counts[each]}

    def __str__(self) -> str:
        counts = self.by_name()
        return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "no events"
