"""Counts what goes on in this process, until it is added to what the fleet has counted in Redis."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping

from infra.telemetry.catalogue import COUNTED

SEPARATOR = "|"
SUM = "sum"
_MOST_SERIES = 200  # of one metric: what comes beyond is counted under `OTHER`
_MOST_CHARS = 64
OTHER = "other"


def field(name: str, *labels: str) -> str:
    """Return the name under which a series is kept: the metric's and the values of its labels."""
    return SEPARATOR.join((name, *labels))


class Meter:
    """Counters and histograms of one process; any thread may use it.

    Names and labels are those of `COUNTED`; `KeyError` for another name, `ValueError` for other labels.

    Attributes:
        kind: The kind of device that this process works on, a label of what it counts.
    """

    def __init__(self) -> None:
        self.kind = "none"
        self._lock = threading.Lock()
        self._new: dict[str, float] = {}
        self._known: dict[str, set[tuple[str, ...]]] = {}

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        if by == 0:
            return
        with self._lock:
            self._add(field(name, *self._bounded(name, labels)), by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Put a value into a histogram."""
        with self._lock:
            kept = self._bounded(name, labels)
            bucket = bisect_left(COUNTED[name].buckets, value)
            self._add(field(name, *kept, str(bucket)), 1)
            self._add(field(name, *kept, SUM), value)

    def drain(self) -> dict[str, float]:
        """Return what is new by field, and begin anew."""
        with self._lock:
            new, self._new = self._new, {}
            return new

    def restore(self, new: Mapping[str, float]) -> None:
        """Take back what `drain` gave and nobody took."""
        with self._lock:
            for name, amount in new.items():
                self._add(name, amount)

    def _add(self, name: str, amount: float) -> None:
        self._new[name] = self._new.get(name, 0) + amount

    def _bounded(self, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return labels that may be kept: there are only so many of one metric, and each is short."""
        if len(labels) != len(COUNTED[name].labels):
            raise ValueError(f"{name} has the labels {COUNTED[name].labels}, not {len(labels)} of them")
        kept = tuple(label.replace(SEPARATOR, "_")[:_MOST_CHARS] for label in labels)
        known = self._known.setdefault(name, set())
        if kept not in known and len(known) >= _MOST_SERIES:
            return (OTHER,) * len(labels)
        known.add(kept)
        return kept


METER = Meter()
"""This process's."""
