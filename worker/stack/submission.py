"""Announcing documents to a stack, and finding them again by their source, since ingest gives the ids."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from infra.settings import Settings
from infra.status import DocumentStatus, Store
from infra.storage import Location
from tasks.produce import Producer
from tasks.records import DocumentRef


class Submission:
    """Documents handed to a stack that gets no others; a context that closes its connections."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._producer = producer_for(settings)
        self._store = store
        self._latest: dict[str, DocumentStatus | None] = {}

    def announce(self, refs: Iterable[DocumentRef]) -> None:
        """Have documents read.

        Raises:
            BrokerUnavailable: the queue does not answer.
        """
        for ref in refs:
            self._producer.announce(ref)
            self._latest[uri_of(ref)] = None

    def poll(self) -> dict[str, DocumentStatus | None]:
        """Where each document stands, by the URI of its source; None while ingest has not seen it.

        Documents that are over are not asked about again.
        """
        unseen = any(status is None for status in self._latest.values())
        if unseen:
            for status in self._store.listing.recent(len(self._latest)):
                if self._latest.get(status.source, status) is None:
                    self._latest[status.source] = status
        going_on = [status.id for status in self._latest.values() if status and not status.terminal]
        for status in self._store.listing.documents(going_on):
            self._latest[status.source] = status
        return dict(self._latest)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close()


def producer_for(settings: Settings) -> Producer:
    """The producer of the stack that these are the settings of."""
    return Producer(
        settings.broker_url,
        key_prefix=settings.key_prefix,
        visibility_seconds=settings.queue.visibility_seconds,
    )


def uri_of(ref: DocumentRef) -> str:
    """The URI under which the status knows what `ref` announces."""
    return Location.parse(ref.source).at(ref.key).uri
