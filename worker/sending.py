"""Puts messages into queues, for whoever has the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from infra.errors import BrokerUnavailable


def send_with(app: Celery) -> Callable[[str, list[Any], str], None]:
    """Return what sends a task's name and arguments to a queue; it raises `BrokerUnavailable`."""

    def send(task: str, arguments: list[Any], queue: str) -> None:
        try:
            app.send_task(task, args=arguments, queue=queue)
        except OperationalError as error:
            raise BrokerUnavailable(f"a message for {queue} was not sent: {error}") from error

    return send
