"""Takes messages from queues, for a process that can do more than the one it was given."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError

from tasks.queues import PAGES

_log = logging.getLogger(__name__)


def take_with(app: Celery, queues: Sequence[str]) -> Callable[[], list[Any] | None]:
    """Return what takes the next message from the queues in turn, and returns its task's arguments, or None.

    A message that is taken is gone: whoever dies with it relies on the lease of what it was about. One thread
    at a time calls it.
    """
    order = deque(queues)
    connection: Any = app.connection_for_read()  # its types leave out what its channels can do
    strange: tuple[type[Exception], ...] = (
        KombuError,
        *connection.connection_errors,
        *connection.channel_errors,
    )

    def take() -> list[Any] | None:
        try:
            for _ in range(len(order)):
                order.rotate(-1)
                message = connection.default_channel.basic_get(order[-1], no_ack=True)
                if message is not None and message.headers.get("task") == PAGES:
                    arguments: list[Any] = message.payload[0]
                    return arguments
        except strange as error:
            _log.warning("no more pages are taken: %s", error)
            connection.close()  # and opened again by the next call
        return None

    return take
