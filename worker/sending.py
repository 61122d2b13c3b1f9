"""Puts messages into queues, for whoever has the app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from infra.errors import BrokerUnavailable
from infra.settings import Settings
from infra.status import Store
from infra.telemetry.tracing import HEADER, wanted
from tasks.context import Tools
from tasks.queues import INGEST, broker_conf


@contextmanager
def tools_for(settings: Settings, store: Store) -> Iterator[Tools]:
    """The tools of a process that is no worker, a command perhaps; its connections end with the context."""
    app = Celery("pageline-command", set_as_current=False)
    app.conf.update(broker_conf(settings.broker_url, settings.key_prefix, settings.queue.visibility_seconds))
    try:
        yield Tools(settings, store, send_with(app, store))
    finally:
        app.close()


def send_with(app: Celery, store: Store) -> Callable[[str, list[Any], str], None]:
    """Return what sends a task's name and arguments to a queue; it raises `BrokerUnavailable`.

    Messages about a document carry the `traceparent` of its trace, if it has one, whoever sends them.
    """

    def send(task: str, arguments: list[Any], queue: str) -> None:
        try:
            app.send_task(task, args=arguments, queue=queue, headers=_headers(store, task, arguments))
        except OperationalError as error:
            raise BrokerUnavailable(f"a message for {queue} was not sent: {error}") from error

    return send


def _headers(store: Store, task: str, arguments: list[Any]) -> dict[str, str]:
    """The first argument of a task is the announcement or the document that it is about."""
    if not wanted() or not arguments:
        return {}
    about = arguments[0]
    trace = about.get(HEADER) if task == INGEST else store.listing.field(about, HEADER)
    return {} if trace is None else {HEADER: trace}
