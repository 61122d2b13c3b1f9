"""Announces documents: all that an event handler, a watcher or a command needs. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from celery import Celery
from kombu.exceptions import OperationalError

from infra.errors import BrokerUnavailable
from infra.lines import ANNOUNCE, announce_arguments, announcement
from infra.telemetry.tracing import HEADER, span, traceparent
from tasks.queues import CONTROL, INGEST, broker_conf
from tasks.ref import DocumentRef

VISIBILITY_SECONDS = 3600  # the settings' default
_SOCKET_SECONDS = 2.0
_AGAIN_SECONDS = 0.05


class Producer:
    """Puts announcements into the queue; a context that closes its connections.

    A broker that does not answer is reported within seconds: short time-outs, one further try.

    Args:
        broker_url: As in the settings.
        key_prefix: As in the settings.
        visibility_seconds: As in the settings.
        socket_seconds: How long to wait for a connection, and for an answer; each may be waited for twice.
    """

    def __init__(
        self,
        broker_url: str,
        *,
        key_prefix: str = "pageline:",
        visibility_seconds: int = VISIBILITY_SECONDS,
        socket_seconds: float = _SOCKET_SECONDS,
    ) -> None:
        self._key_prefix = key_prefix
        self._app = Celery("pageline-producer", set_as_current=False)
        self._app.conf.update(broker_conf(broker_url, key_prefix, visibility_seconds))
        self._app.conf.broker_transport_options |= {
            "socket_connect_timeout": socket_seconds,
            "socket_timeout": socket_seconds,
            "max_retries": 1,
            "interval_start": _AGAIN_SECONDS,
        }
        self._app.conf.task_publish_retry_policy = {"max_retries": 1, "interval_start": _AGAIN_SECONDS}

    def announce(self, ref: DocumentRef) -> None:
        """Have a document read: it gets in its tenant's line. Raises `BrokerUnavailable`."""
        with span("announce", parent=ref.traceparent, kind="producer", tenant=ref.tenant):
            trace = traceparent() or ref.traceparent
            body = ref.content()
            self._put_in(ref.tenant, body if trace is None else {**body, HEADER: trace})

    def _put_in(self, tenant: str, body: Mapping[str, Any]) -> None:
        """Put an announcement in line, and send what is first there if nothing of the tenant's is out."""
        try:
            first = self._get_in_line(tenant, announcement(body))
            if first:
                ref = json.loads(first)
                headers = {HEADER: ref[HEADER]} if HEADER in ref else {}
                self._app.send_task(INGEST, args=[ref], queue=CONTROL, headers=headers)
        except OperationalError as error:
            raise BrokerUnavailable(f"the document was not announced: {error}") from error

    def _get_in_line(self, tenant: str, text: str) -> bytes | None:
        """Put an announcement in line; returns the one that is to be sent, if any is."""
        with self._app.pool.acquire(block=True) as acquired:
            connection: Any = acquired  # Celery's stubs take it for something else
            client = connection.default_channel.client
            arguments = announce_arguments(self._key_prefix, tenant, text)
            try:
                found: bytes = client.execute_command("EVAL", ANNOUNCE, 0, *arguments)
            except (*connection.connection_errors, *connection.channel_errors) as error:
                raise BrokerUnavailable(f"the document was not announced: {error}") from error
        return found or None

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
