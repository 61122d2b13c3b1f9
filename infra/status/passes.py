"""How far storage was looked through for documents that Redis may have forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import redis

from infra.status.keys import Keys
from infra.status.scripts import translated


@dataclass(frozen=True, slots=True)
class Pass:
    """One look through the storage.

    Attributes:
        cursor: The key after which to go on; empty at the start; None when it is over.
        finished: When the one before was over, in seconds since the epoch; 0 for never.
        server: The run of Redis in which it began: another one may have lost what this one knew.
    """

    cursor: str | None
    finished: float
    server: str


class Passes:
    """Keeps one `Pass` in Redis, so that whoever leads next goes on, and a loss of Redis is noticed."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._key = keys("pass")

    def server(self) -> str:
        """Return the identity of the server's present run. Raises `BrokerUnavailable`."""
        with translated():
            return str(self._client.info("server").get("run_id", ""))

    def load(self) -> Pass | None:
        """Return what was saved last; None when there is nothing, as after a total loss."""
        with translated():
            found = cast("dict[str, str]", self._client.hgetall(self._key))
        if not found:
            return None
        cursor = found["cursor"] if found["under_way"] == "1" else None
        return Pass(cursor, float(found["finished"]), found["server"])

    def forget(self) -> None:
        """Have the next look begin at once, from the start."""
        with translated():
            self._client.delete(self._key)

    def save(self, state: Pass) -> None:
        """Keep `state` in place of what was kept before."""
        fields = {
            "under_way": str(int(state.cursor is not None)),
            "cursor": state.cursor or "",
            "finished": str(state.finished),
            "server": state.server,
        }
        with translated():
            self._client.hset(self._key, items=[part for pair in fields.items() for part in pair])
