"""Takes what was received, and announces the documents it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from infra.events import InvalidEvent, ObjectEvent, parse
from infra.storage.location import Location
from tasks.ref import DocumentRef
from worker.bridge.order import Order
from worker.bridge.outcome import Counts, Outcome
from worker.bridge.sorter import Sorter


class Announces(Protocol):
    """Whoever puts announcements into the queue."""

    def announce(self, ref: DocumentRef) -> None:
        """Put one there; returns when the queue has it. Raises `BrokerUnavailable`."""
        ...


class Announcer:
    """Announces what messages speak of, and counts what becomes of them; any thread may call.

    A message may be taken any number of times: whoever was not told that it arrived sends it again.
    """

    def __init__(self, sorter: Sorter, producer: Announces, tenant: str) -> None:
        self.counts = Counts()
        self._sorter = sorter
        self._producer = producer
        self._tenant = tenant
        self._order = Order()

    def take(self, body: bytes | str | Mapping[str, Any]) -> None:
        """Announce everything that a message speaks of.

        Raises:
            InvalidEvent: it is no storage event; nothing of it is announced.
            BrokerUnavailable: the queue does not answer; some of it may have been announced.
        """
        try:
            events = parse(body)
        except InvalidEvent:
            self.counts.add(Outcome.INVALID)
            raise
        if not events:
            self.counts.add(Outcome.OTHER)
        for event in events:
            self.counts.add(self._take(event))

    def announce(self, place: Location) -> bool:
        """Announce what lies at `place`, as it is when it is looked at; False for no document.

        Raises:
            BrokerUnavailable: the queue does not answer.
        """
        found = self._sorter.sort(place)
        if not isinstance(found, Outcome):
            source, key = found
            self._producer.announce(DocumentRef(source=source, key=key, tenant=self._tenant))
        self.counts.add(found if isinstance(found, Outcome) else Outcome.ANNOUNCED)
        return not isinstance(found, Outcome)

    def _take(self, event: ObjectEvent) -> Outcome:
        found = self._sorter.sort(Location("s3", event.bucket, event.key))
        if isinstance(found, Outcome):
            return found
        verdict = self._order.verdict(event)
        if verdict in {Outcome.ANNOUNCED, Outcome.LATE}:
            self._producer.announce(self._ref(event, *found))
        self._order.note(event)
        return verdict

    def _ref(self, event: ObjectEvent, source: str, key: str) -> DocumentRef:
        return DocumentRef(
            source=source,
            key=key,
            tenant=self._tenant,
            version=event.version,
            etag=event.etag,
            sequencer=event.sequencer,
        )
