"""The Celery tasks. Each is a thin edge: arguments in, trouble sorted; modules load when their work comes."""

# ruff: noqa: PLC0415  -- a supervising process imports this module too, and must stay small
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from celery import shared_task
from celery.exceptions import Reject

from infra.errors import BrokerUnavailable, InvalidLocation, StorageError
from infra.status.states import Mode
from infra.status.status import finalize_step, split_step
from infra.status.work import Announcement, PageRange
from infra.telemetry.tracing import HEADER
from tasks.context import current
from tasks.following import count_error, following, following_document
from tasks.ledger import RequestLost
from tasks.queues import DELIVER, FINALIZE, INGEST, PAGES, SPLIT
from tasks.ref import AnnouncementError, DocumentRef

_log = logging.getLogger(__name__)
_MAX_INGEST_TRIES = 20  # of an announcement that meets errors nobody expected


@shared_task(name=INGEST)
def ingest(ref: dict[str, Any], tries: int = 0) -> None:
    """Take an announcement in."""
    from tasks.dispatch import announce_later, over
    from tasks.ingest import ingest as run

    context, work = current(), Announcement.of(ref)
    tools = context.tools

    def drop() -> None:
        _log.error("an announcement is put by after %d tries; `pageline rebuild` makes it again", tries + 1)
        tools.store.fleet.drop(work.member)
        over(tools, work)

    again = lambda: announce_later(tools, ref, tries=tries)  # noqa: E731  -- one line, used once
    with (
        _sorted(INGEST, again, drop=drop if tries >= _MAX_INGEST_TRIES else None),
        following(_step(INGEST), parent=ref.get(HEADER), tenant=ref.get("tenant")),
        context.heart.hold(),  # it leases nothing, but may hang as others do
    ):
        try:
            run(context, DocumentRef.of(ref))
        except AnnouncementError:
            _log.exception("an announcement is not understood and dropped")
        except InvalidLocation:
            _log.exception("an announcement names no place that can be and is dropped")
        except RequestLost as error:
            _log.error("an announcement is dropped: %s", error)
        over(tools, work)


@shared_task(name=SPLIT)
def split(document: str, generation: int, tries: int = 0) -> None:
    """Split a document."""
    from tasks.dispatch import over, send_later
    from tasks.split import split as run

    context, step = current(), split_step(document, generation)
    with _part_of(SPLIT, document, generation, lambda: send_later(context.tools, step, tries=tries)):
        run(context, step)
        over(context.tools, step)


@shared_task(name=PAGES)
def pages(document: str, generation: int, first: int, last: int, mode: str, tries: int = 0) -> None:
    """Read a range of pages, and on a device that takes many at once others beside it."""
    from tasks.company import in_company

    in_company(current(), _read_pages, [document, generation, first, last, mode, tries])


def _read_pages(document: str, generation: int, first: int, last: int, mode: str, tries: int) -> None:
    from tasks.dispatch import send_later
    from tasks.pages import read_range

    context, work = current(), PageRange(document, generation, first, last, Mode(mode))
    again = lambda: send_later(context.tools, work, tries=tries)  # noqa: E731  -- one line, used once
    with _part_of(PAGES, document, generation, again, first=first, last=last, mode=mode):
        read_range(context, work, tries=tries)


@shared_task(name=FINALIZE)
def finalize(document: str, generation: int, tries: int = 0) -> None:
    """Finalize a document."""
    from tasks.dispatch import over, send_later
    from tasks.finalize import finalize as run

    context, step = current(), finalize_step(document, generation)
    with _part_of(FINALIZE, document, generation, lambda: send_later(context.tools, step, tries=tries)):
        run(context, step)
        over(context.tools, step)


@shared_task(name=DELIVER)
def deliver() -> None:
    """Deliver what is due in the outbox."""
    from tasks.deliver import deliver as run

    context = current()
    # Who died or failed over it is noticed when a lease runs out; who hangs in it is ended.
    with _sorted(DELIVER, lambda: None), context.heart.hold():
        run(context)


@contextmanager
def _part_of(
    task: str, document: str, generation: int, again: Callable[[], None], **known: str | int
) -> Iterator[None]:
    """Tell of a task about a document, and end one whose request is lost: no later try could go further."""
    from tasks.conclude import give_up_lost

    with _sorted(task, again), _followed(task, document, generation=generation, **known):
        try:
            yield
        except RequestLost as error:
            _log.error("the document ends: %s", error)
            give_up_lost(current(), document, generation, error.public)


def _followed(task: str, document: str, **known: str | int) -> AbstractContextManager[None]:
    return following_document(_step(task), current().store, document, **known)


def _step(task: str) -> str:
    """Return what a task does, its name without the program's."""
    return task.rpartition(".")[2]


@contextmanager
def _sorted(
    task: str, again: Callable[[], None], *, drop: Callable[[], None] | None = None
) -> Iterator[None]:
    """Sort what goes wrong inside: no Redis, the message goes back; else it is sent again after a delay.

    With `drop`, an error nobody expected ends it instead.

    Deaths and faults of pages never come here. Steps have their attempts counted, so they end. Redis may also
    be gone by the time the delay is asked for: then, too, the message goes back.
    """
    try:
        with _delayed(_step(task), again, drop):
            yield
    except BrokerUnavailable as error:
        count_error(_step(task), error)
        raise Reject(str(error), requeue=True) from error


@contextmanager
def _delayed(step: str, again: Callable[[], None], drop: Callable[[], None] | None) -> Iterator[None]:
    try:
        yield
    except BrokerUnavailable:
        raise
    except (StorageError, OSError) as error:
        count_error(step, error)
        # One that is final is the operator's to mend, a missing permission perhaps: documents wait for that.
        level = logging.WARNING if getattr(error, "retryable", True) else logging.ERROR
        _log.log(level, "to be tried again: %s", error)
        again()
    except Exception as error:
        count_error(step, error)
        _log.exception("an error nobody expected")
        if drop is not None:
            drop()
            raise
        again()
