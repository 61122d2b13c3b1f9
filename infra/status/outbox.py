"""The outbox: letters about documents' ends that are still to be delivered, and those that could not be.

They come in with the end of a document, in the same script. One in hand has a lease: if whoever delivers it
dies, it is due again. Letters to one target about one document are delivered in the order of generations.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import redis

from infra.notify import NotifySettings
from infra.notify.targets import digest_of
from infra.settings import QueueSettings
from infra.status.keys import Keys
from infra.status.scripts import Scripts, translated

_LEASE_SECONDS = 5.0  # beyond twice the time that one try may take: looking a name up comes on top
_CALLED_SECONDS = 30.0  # after which a message to deliver is sent once more


@dataclass(frozen=True, slots=True)
class Letter:
    """An event for a target; `event` is JSON."""

    target: str
    event: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A letter in hand.

    Attributes:
        tries: This one included, since it was posted.
        takes: Tells this delivery from later ones of the same letter.
    """

    name: str
    target: str
    event: str
    tries: int
    takes: int

    @property
    def document(self) -> str:
        """The document that the letter is about."""
        return self.name.partition(":")[0]

    @property
    def generation(self) -> int:
        """The document's generation that has ended."""
        return int(self.name.split(":")[1])


class Settled(StrEnum):
    """What became of a letter."""

    DELIVERED = "delivered"
    AGAIN = "again"
    DEAD = "dead"
    LOST = "lost"  # somebody else has taken it: the lease ran out


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A letter that was not delivered yet, or could not be; times in seconds since the epoch.

    Attributes:
        due: When it is tried next; None while an earlier one must go first, and for a dead one.
        died: When it was given up.
        reason: Why the last try failed.
    """

    document: str
    generation: int
    target: str
    posted: float
    tries: int
    reason: str | None
    due: float | None = None
    died: float | None = None


class Outbox:
    """Keeps the letters."""

    def __init__(
        self, client: redis.Redis, scripts: Scripts, keys: Keys, queue: QueueSettings, notify: NotifySettings
    ) -> None:
        self._client = client
        self._run = scripts.run
        self._keys = keys
        self._queue = queue
        self._notify = notify

    def post(self, document: str, generation: int, letters: Sequence[Letter]) -> int:
        """Put letters about an end in, unless that was done before; returns how many are undelivered."""
        return int(self._run("post", document, generation, *flat(letters)))

    def call(self) -> bool:
        """Say whether a message to deliver is to be sent now: something is due, and none is under way."""
        return bool(self._run("call", _CALLED_SECONDS))

    def soon(self, seconds: float) -> int:
        """Return how many letters are due by in `seconds`; those in hand are among them."""
        with translated():
            return int(self._client.zcount(self._keys("outbox"), "-inf", time.time() + seconds))

    def take(self, limit: int) -> list[Delivery]:
        """Take letters that are due, the oldest first; each is due again unless it is settled in time."""
        found = self._run("take", limit, self._notify.timeout_seconds * 2 + _LEASE_SECONDS)
        return [
            Delivery(name, target, event, int(tries), int(takes))
            for name, target, event, tries, takes in found
        ]

    def settle(
        self, delivery: Delivery, outcome: Settled, reason: str = "", *, unreachable: bool = False
    ) -> tuple[Settled, int]:
        """Say what became of a letter in hand: DELIVERED, AGAIN (unless it is too late for that), DEAD.

        With `unreachable`, all letters to the same target are left alone for a while.

        Returns what became of it, and once it has left the outbox how many about the same end have not.
        """
        notify = self._notify
        found, left = self._run(
            "settle",
            delivery.name,
            delivery.takes,
            outcome,
            reason,
            int(unreachable),
            notify.retry_seconds,
            notify.retry_limit_seconds,
            random.uniform(0.5, 1.0),  # noqa: S311  -- spreads load, guards nothing
            notify.give_up_seconds,
            notify.keep_dead,
            self._queue.keep_seconds,
        )
        return Settled(found), int(left)

    def revive(self, document: str | None = None) -> int:
        """Have dead letters, all or those about one document, delivered after all; returns how many."""
        return int(self._run("revive", document or ""))

    def owed(self, ends: Iterable[tuple[str, int]]) -> list[int | None]:
        """Return how many letters about each end (id and generation) are undelivered; None if not known."""
        names = [self._keys("owed", f"{document}:{generation}") for document, generation in ends]
        if not names:
            return []
        with translated():
            found = cast("list[str | None]", self._client.mget(names))
        return [None if count is None else int(count) for count in found]

    def pending(self, limit: int) -> list[Undelivered]:
        """Return letters that are to be delivered, the next first."""
        found = self._listed("outbox", limit)
        return [_undelivered(name, fields, due=score) for name, score, fields in found]

    def dead(self, limit: int) -> list[Undelivered]:
        """Return dead letters, the oldest first."""
        found = self._listed("dead", limit)
        return [_undelivered(name, fields, died=score) for name, score, fields in found]

    def _listed(self, key: str, limit: int) -> list[tuple[str, float, dict[str, str]]]:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            names = cast(
                "list[tuple[str, float]]", self._client.zrange(self._keys(key), 0, limit - 1, withscores=True)
            )
            for name, _ in names:
                pipe.hgetall(self._keys("letter", name))
            letters = cast("list[dict[str, str]]", pipe.execute())
        return [
            (name, score, fields)
            for (name, score), fields in zip(names, letters, strict=True)
            if "target" in fields
        ]


def flat(letters: Sequence[Letter]) -> list[str]:
    """Return letters as scripts take them."""
    return [part for letter in letters for part in (digest_of(letter.target), letter.target, letter.event)]


def _undelivered(
    name: str, fields: dict[str, str], due: float | None = None, died: float | None = None
) -> Undelivered:
    document, generation, _ = name.split(":")
    return Undelivered(
        document=document,
        generation=int(generation),
        target=fields["target"],
        posted=float(fields["posted"]),
        tries=int(fields["tries"]),
        reason=fields.get("reason"),
        due=due if due is not None and math.isfinite(due) else None,
        died=died,
    )
