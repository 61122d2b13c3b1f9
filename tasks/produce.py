"""Announces documents: all that an event handler, a watcher or a command needs. Imports nothing heavy."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from celery import Celery
from kombu.exceptions import OperationalError

from infra.errors import BrokerUnavailable
from tasks.queues import CONTROL, INGEST, broker_conf
from tasks.ref import DocumentRef

VISIBILITY_SECONDS = 3600  # the settings' default
_SOCKET_SECONDS = 2.0


class Producer:
    """Puts announcements into the queue; a context that closes its connections.

    A broker that does not answer is reported within seconds: short time-outs, one further try.
    """

    def __init__(
        self, broker_url: str, *, key_prefix: str = "pageline:", visibility_seconds: int = VISIBILITY_SECONDS
    ) -> None:
        self._app = Celery("pageline-producer", set_as_current=False)
        self._app.conf.update(broker_conf(broker_url, key_prefix, visibility_seconds))
        self._app.conf.broker_transport_options |= {
            "socket_connect_timeout": _SOCKET_SECONDS,
            "socket_timeout": _SOCKET_SECONDS,
            "max_retries": 1,
        }
        self._app.conf.task_publish_retry_policy = {"max_retries": 1, "interval_start": 0.05}

    def announce(self, ref: DocumentRef) -> None:
        """Have a document read. Raises `BrokerUnavailable`."""
        body = ref.model_dump(mode="json", exclude_defaults=True)
        try:
            self._app.send_task(INGEST, args=[body], queue=CONTROL)
        except OperationalError as error:
            raise BrokerUnavailable(f"the document was not announced: {error}") from error

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
