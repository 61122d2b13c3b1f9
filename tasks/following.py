"""What is told of a task that runs: its log names what it is about, and it is a span of the document's trace.

A trace is carried in the messages' headers. Where a hop leaves Celery it is in the document's record in
Redis, and in `request.json`, so that it survives the loss of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app

from infra.errors import InfraError
from infra.log import log_context
from infra.status import Store
from infra.telemetry.meter import METER
from infra.telemetry.tracing import HEADER, span, trace_id, traceparent

_TENANT = "tenant"


@contextmanager
def following(
    name: str,
    *,
    parent: str | None = None,
    document: str | None = None,
    tenant: str | None = None,
    **known: str | int,
) -> Iterator[None]:
    """Tell of a task, the trace with what else is `known`; the header of its message goes before `parent`."""
    task, header = _message()
    told = span(
        name, parent=header or parent, kind="consumer", document=document, tenant=tenant, task=task, **known
    )
    with (
        told,
        log_context(document=document, tenant=tenant, task=task, trace=trace_id(traceparent())),
    ):
        yield


@contextmanager
def following_document(name: str, store: Store, document: str, **known: str | int) -> Iterator[None]:
    """Tell of a task that works on a document, as Redis knows it. Raises `BrokerUnavailable`."""
    tenant, trace = store.listing.fields(document, _TENANT, HEADER)
    with following(name, parent=trace, document=document, tenant=tenant, **known):
        yield


def count_error(step: str, error: Exception | str) -> None:
    """Count an error that a step met, by its class; one that nobody expected says so."""
    expected = isinstance(error, (str, InfraError, OSError))
    reason = error if isinstance(error, str) else type(error).__name__
    METER.count("errors_total", step, reason if expected else f"unexpected {reason}")


def _message() -> tuple[str | None, str | None]:
    """Return the id of the message that is worked on, and its header."""
    task = current_app.current_task
    return (None, None) if task is None else (task.request.id, task.request.get(HEADER))
