"""Adds events to a stream in the fleet's own Redis."""

from __future__ import annotations

from typing import Any

import redis

from infra.errors import BrokerUnavailable, TargetUnreachable
from infra.notify.message import Message
from infra.notify.targets import Target
from infra.status.keys import Keys
from infra.status.scripts import translated


class Streams:
    """Streams of bounded length: who reads too late has lost the oldest entries."""

    def __init__(self, client: redis.Redis, keys: Keys, length: int) -> None:
        self._client = client
        self._keys = keys
        self._length = length

    def send(self, target: Target, message: Message) -> None:
        """Add an event, with the field `event`. Raises `TargetUnreachable`."""
        key = self._keys("stream", target.place)
        fields: dict[Any, Any] = {"event": message.body.decode(), **message.labels}
        try:
            with translated():
                self._client.xadd(key, fields, maxlen=self._length, approximate=True)
        except BrokerUnavailable as error:
            raise TargetUnreachable(f"{target.name}: {error}") from error
