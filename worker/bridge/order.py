"""What was heard last of each object, to tell events that repeat or come out of order."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from infra.events import ObjectEvent
from infra.events.event import in_order
from worker.bridge.outcome import Outcome

_KEYS = 50_000  # some 30 MB


class Order:
    """The last event of each of the latest `limit` keys; any thread may ask.

    It spares work and is no authority: what it has forgotten is announced once more, and ingest knows it.
    Only an event that says when it happened can be told from another upload of the same content.
    """

    def __init__(self, limit: int = _KEYS) -> None:
        self._limit = limit
        self._last: OrderedDict[tuple[str, str], ObjectEvent] = OrderedDict()
        self._lock = Lock()

    def verdict(self, event: ObjectEvent) -> Outcome:
        """Say what an event is to what was heard before of its object."""
        with self._lock:
            last = self._last.get((event.bucket, event.key))
        if last is not None:
            if event == last and (event.sequencer or event.time):
                return Outcome.REPEATED
            if _older(event, last):
                return _overtaken(event, last)
        return Outcome.ANNOUNCED if event.kind == "created" else Outcome.REMOVED

    def note(self, event: ObjectEvent) -> None:
        """Remember an event that was dealt with, unless a newer one of its object was."""
        place = (event.bucket, event.key)
        with self._lock:
            last = self._last.get(place)
            if last is None or not _older(event, last):
                self._last[place] = event
            self._last.move_to_end(place)
            if len(self._last) > self._limit:
                self._last.popitem(last=False)


def _older(event: ObjectEvent, last: ObjectEvent) -> bool:
    if event.sequencer is None or last.sequencer is None:
        return False
    return in_order(event.sequencer) < in_order(last.sequencer)


def _overtaken(event: ObjectEvent, last: ObjectEvent) -> Outcome:
    if event.kind == "removed":
        return Outcome.REMOVED
    if event.version is not None:
        return Outcome.LATE  # it can still be read
    return Outcome.REPLACED if last.kind == "created" else Outcome.DELETED
