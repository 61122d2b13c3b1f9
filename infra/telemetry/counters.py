"""What the whole fleet has counted, in one hash in Redis: workers add to it with their heartbeats."""

from __future__ import annotations

import time
from typing import cast

import redis

from infra.errors import BrokerUnavailable
from infra.status.keys import Keys
from infra.status.scripts import translated
from infra.telemetry.meter import Meter


class Counters:
    """The fleet's counters, and when its rhythms last did their work."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def take(self, meter: Meter) -> None:
        """Add what a process has counted; it keeps that if Redis does not answer: `BrokerUnavailable`."""
        new = meter.drain()
        if not new:
            return
        try:
            with translated(), self._client.pipeline(transaction=True) as pipe:
                for name, amount in new.items():
                    pipe.hincrbyfloat(self._keys("counters"), name, amount)
                pipe.execute()
        except BrokerUnavailable:
            meter.restore(new)
            raise

    def all(self) -> dict[str, float]:
        """Return every counter by its field."""
        with translated():
            found = cast("dict[str, str]", self._client.hgetall(self._keys("counters")))
        return {name: float(amount) for name, amount in found.items()}

    def acted(self, rhythm: str) -> None:
        """Note that a rhythm has just done its work."""
        with translated():
            self._client.hset(self._keys("rhythms"), rhythm, str(time.time()))

    def rhythms(self) -> dict[str, float]:
        """Return when each rhythm last did its work, in seconds since the epoch."""
        with translated():
            found = cast("dict[str, str]", self._client.hgetall(self._keys("rhythms")))
        return {name: float(at) for name, at in found.items()}
