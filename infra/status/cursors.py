"""How far those have come who go through a listing or a log of changes, kept for when they are ended."""

from __future__ import annotations

import hashlib
from typing import cast

import redis

from infra.status.keys import Keys
from infra.status.scripts import translated

_KEEP_SECONDS = 14 * 24 * 3600


class Cursor:
    """One place in one listing; it is forgotten two weeks after it was last moved.

    Args:
        identity: What tells this listing from others.
    """

    def __init__(self, client: redis.Redis, keys: Keys, *identity: str) -> None:
        self._client = client
        digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogateescape")).hexdigest()
        self._key = keys("cursor", digest[:32])

    def load(self) -> str | None:
        """Return what was saved last; None when there is nothing. Raises `BrokerUnavailable`."""
        with translated():
            return cast("str | None", self._client.get(self._key))

    def save(self, place: str) -> None:
        """Keep `place` instead of what was kept before. Raises `BrokerUnavailable`."""
        with translated():
            self._client.set(self._key, place, ex=_KEEP_SECONDS)

    def forget(self) -> None:
        """Have the next one begin at the start. Raises `BrokerUnavailable`."""
        with translated():
            self._client.delete(self._key)
