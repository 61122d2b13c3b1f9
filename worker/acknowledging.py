"""A worker's place for its next message, given back also when the broker could not be told of the last one.

kombu forgets a message once the broker has taken its acknowledgement. Where the broker was killed in between,
the message stays counted as in hand, and a worker that takes one at a time takes no other for ever. What the
broker did not hear of it delivers again, and the lease of that work drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis, virtual


class ForgivingQoS(redis.QoS):
    """Counts a message as no longer in hand whether or not the broker could be told."""

    def ack(self, delivery_tag: Any) -> None:
        """See `redis.QoS.ack`."""
        with self._given_back(delivery_tag):
            super().ack(delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """See `redis.QoS.reject`."""
        with self._given_back(delivery_tag):
            super().reject(delivery_tag, requeue)

    @contextmanager
    def _given_back(self, delivery_tag: Any) -> Iterator[None]:
        try:
            yield
        except Exception:  # whatever it is, no second acknowledgement is tried; Celery logs it
            virtual.QoS.ack(self, delivery_tag)
            raise


def give_places_back() -> None:
    """Have every channel to a Redis broker that this process opens from now on count so."""
    redis.Channel.QoS = ForgivingQoS
