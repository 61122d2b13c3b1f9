"""Watches the documents that somebody waits for: one look at the status serves all who wait."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from infra.errors import InfraError
from infra.status import DocumentStatus
from worker.http.desk import Desk

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_AWAY_SECONDS = 1.0  # until the next look when the queue has not answered


@dataclass(frozen=True, slots=True)
class Look:
    """A document at one moment: None where it is forgotten; `states` are its pages', a byte each."""

    document: DocumentStatus | None
    states: str


@dataclass(slots=True, eq=False)
class Follower:
    """One who waits for changes of a document."""

    _look: Look | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, look: Look) -> None:
        """Called by the watch."""
        if look != self._look:
            self._look = look
            self._changed.set()

    async def change(self, seconds: float) -> Look | None:
        """Return how the document stands, as soon as that has changed; None when it has not for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
            self._changed.clear()
            return self._look
        return None


class Watch:
    """Looks at all documents that are followed, time and again while there are any."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._followers.values()))

    @asynccontextmanager
    async def following(self, document: str) -> AsyncIterator[Follower]:
        """Follow a document; its first change is how it stands."""
        follower = Follower()
        self._followers[document].add(follower)
        self._some.set()
        try:
            yield follower
        finally:
            self._followers[document].discard(follower)
            if not self._followers[document]:
                del self._followers[document]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._followers:
                self._some.clear()
                await self._some.wait()
            ids = list(self._followers)
            try:
                looks = await self._desk.run(self._look, ids)
            except InfraError as error:
                _log.warning("documents cannot be followed at the moment: %s", error)
                await asyncio.sleep(_AWAY_SECONDS)
                continue
            for identity, look in zip(ids, looks, strict=True):
                for follower in self._followers.get(identity, ()):
                    follower.tell(look)
            await asyncio.sleep(_POLL_SECONDS)

    def _look(self, ids: Sequence[str]) -> list[Look]:
        # Documents first: where one has ended, what is read of its pages after that is final.
        listing = self._desk.store.listing
        found = {one.id: one for one in listing.documents(ids)}
        states = listing.page_states(ids)
        return [Look(found.get(identity), text) for identity, text in zip(ids, states, strict=True)]
