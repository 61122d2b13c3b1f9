"""Requests that carry a key of their own are done once, however often they are sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import cast

import redis

from infra.status.keys import Keys
from infra.status.scripts import translated

_WORKING_SECONDS = 120  # after which whoever began is taken for dead, and the request is done again
_WORKING = "-"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request with the same key that came before.

    Attributes:
        same: Whether it asked for the same.
        answer: What it was answered; None while it is being worked on.
    """

    same: bool
    answer: str | None


class Idempotency:
    """Remembers keys of requests, and what came of them, for some seconds."""

    def __init__(self, client: redis.Redis, keys: Keys, seconds: int) -> None:
        self._client = client
        self._keys = keys
        self._seconds = seconds

    def begin(self, caller: str, key: str, fingerprint: str) -> Earlier | None:
        """Take a caller's key for a request; None when it was free, and the request is to be done.

        `fingerprint` tells what is asked for; it has no spaces. Raises `BrokerUnavailable`.
        """
        with translated():
            found = self._client.set(
                self._name(caller, key), f"{fingerprint} {_WORKING}", nx=True, get=True, ex=_WORKING_SECONDS
            )
        if found is None:
            return None
        its, _, answer = cast("str", found).partition(" ")
        return Earlier(its == fingerprint, None if answer == _WORKING else answer)

    def end(self, caller: str, key: str, fingerprint: str, answer: str) -> None:
        """Remember what a request was answered."""
        with translated():
            self._client.set(self._name(caller, key), f"{fingerprint} {answer}", ex=self._seconds)

    def drop(self, caller: str, key: str) -> None:
        """Free a key whose request came to nothing."""
        with translated():
            self._client.delete(self._name(caller, key))

    def _name(self, caller: str, key: str) -> str:
        return self._keys("asked", hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()[:32])
