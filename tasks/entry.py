"""The Celery tasks. Each is a thin edge: arguments in, trouble sorted; modules load when their work comes."""

# ruff: noqa: PLC0415  -- a supervising process imports this module too, and must stay small
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from celery.exceptions import Reject
from pydantic import ValidationError

from infra.errors import BrokerUnavailable, InvalidLocation, StorageError
from infra.log import log_context
from infra.status.states import DocumentState, Mode
from infra.status.status import finalize_step, split_step
from infra.status.work import PageRange
from tasks.context import RequestLost, current
from tasks.queues import FINALIZE, INGEST, PAGES, SPLIT
from tasks.records import DocumentRef

_log = logging.getLogger(__name__)
_MAX_INGEST_TRIES = 20  # of an announcement that meets errors nobody expected


@shared_task(name=INGEST)
def ingest(ref: dict[str, Any], tries: int = 0) -> None:
    """Take an announcement in."""
    from tasks.dispatch import announce_later
    from tasks.ingest import ingest as run

    context = current()
    try:
        announced = DocumentRef.model_validate(ref)
    except ValidationError:
        _log.exception("an announcement is not understood and dropped")
        return
    again = lambda: announce_later(context.tools, ref, tries=tries)  # noqa: E731  -- one line, used once
    with _sorted(again, last=tries >= _MAX_INGEST_TRIES):
        try:
            run(context, announced)
        except InvalidLocation:
            _log.exception("an announcement names no place that can be and is dropped")


@shared_task(name=SPLIT)
def split(document: str, generation: int, tries: int = 0) -> None:
    """Split a document."""
    from tasks.dispatch import send_later
    from tasks.split import split as run

    context, step = current(), split_step(document, generation)
    with _part_of(document, generation, lambda: send_later(context.tools, step, tries=tries)):
        run(context, step)


@shared_task(name=PAGES)
def pages(document: str, generation: int, first: int, last: int, mode: str, tries: int = 0) -> None:
    """Read a range of pages."""
    from tasks.dispatch import send_later
    from tasks.pages import read_range

    context, work = current(), PageRange(document, generation, first, last, Mode(mode))
    with _part_of(document, generation, lambda: send_later(context.tools, work, tries=tries)):
        read_range(context, work, tries=tries)


@shared_task(name=FINALIZE)
def finalize(document: str, generation: int, tries: int = 0) -> None:
    """Finalize a document."""
    from tasks.dispatch import send_later
    from tasks.finalize import finalize as run

    context, step = current(), finalize_step(document, generation)
    with _part_of(document, generation, lambda: send_later(context.tools, step, tries=tries)):
        run(context, step)


@contextmanager
def _part_of(document: str, generation: int, again: Callable[[], None]) -> Iterator[None]:
    """Name the document in the log, and end one whose request is lost: no later try could go further."""
    with log_context(document=document), _sorted(again):
        try:
            yield
        except RequestLost as error:
            _log.error("the document ends: %s", error)
            current().store.status.finish(document, generation, DocumentState.FAILED, error.public)


@contextmanager
def _sorted(again: Callable[[], None], *, last: bool = False) -> Iterator[None]:
    """Sort what goes wrong inside: no Redis, the message goes back; else it is sent again after a delay.

    Deaths and faults of pages never come here. Steps have their attempts counted, so they end. Redis may also
    be gone by the time the delay is asked for: then, too, the message goes back.
    """
    try:
        with _delayed(again, last=last):
            yield
    except BrokerUnavailable as error:
        raise Reject(str(error), requeue=True) from error


@contextmanager
def _delayed(again: Callable[[], None], *, last: bool) -> Iterator[None]:
    try:
        yield
    except BrokerUnavailable:
        raise
    except (StorageError, OSError) as error:
        _log.warning("to be tried again: %s", error)
        again()
    except Exception:
        _log.exception("an error nobody expected")
        if last:
            raise
        again()
