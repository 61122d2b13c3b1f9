"""The slow rhythm, ten seconds or so: finds what messages were lost for, and sends it again."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence

from infra.status.states import Mode
from infra.status.work import Announcement, DocumentStep, PageRange, Step, Work
from infra.telemetry.meter import METER
from pipelines.devices import KINDS
from tasks.context import Tools
from tasks.dispatch import send_all
from tasks.queues import CONTROL, FINALIZE, INGEST, PAGES, SPLIT, queues_of

_log = logging.getLogger(__name__)
# With more messages than this waiting for the control workers, documents that wait are not stuck.
_BACKLOG = 100
_STEPS = {SPLIT: Step.SPLIT, FINALIZE: Step.FINALIZE}


def reconcile(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Sending one too many is harmless: leases catch it."""
    tools.store.status.recount(tools.settings.tenants)
    lanes = tools.store.fleet.lanes()
    works = _without_message(tools, _overdue(tools, lanes) + _stuck_documents(tools))
    METER.count("messages_resent_total", by=len(works))
    for work in works:
        _log.info("sent again: %s", work.member)
    return send_all(tools, works)


def _without_message(tools: Tools, overdue: Sequence[Work]) -> list[Work]:
    """Leave out what waits in the queues of the control workers, or of the kind of device it was sent to.

    The messages themselves are looked at: what only waits long is not sent again, and what waits for another
    kind, or twice, hides nobody's loss. So nothing has two messages in a queue, whatever workers have taken
    and not begun.
    """
    if not overdue:
        return []
    waiting = {kind: _waiting(tools, kind) for kind in (CONTROL, *KINDS)}
    anywhere = set[str]().union(*waiting.values())
    placed = {placement.pages: placement.kind for placement in tools.store.placements.all()}

    def has_message(work: Work) -> bool:
        # One that is given up goes to the control workers; of others the place may be forgotten.
        kind = placed.get(work) if isinstance(work, PageRange) else CONTROL
        return work.member in (anywhere if kind is None else waiting[kind])

    return [work for work in overdue if not has_message(work)]


def _waiting(tools: Tools, kind: str) -> set[str]:
    """What the messages are about that wait in the queues of a kind."""
    messages = tools.store.fleet.messages(queues_of(kind))
    return {work.member for message in messages if (work := _work_of(message)) is not None}


def _work_of(message: str) -> Work | None:
    """What a message of Celery's is about; None for other tasks."""
    try:
        envelope = json.loads(message)
        task = envelope["headers"]["task"]
        arguments, *_ = json.loads(base64.b64decode(envelope["body"]))
        if task == INGEST:
            return Announcement.of(arguments[0])
        document, generation, *rest = arguments
        if task in _STEPS:
            return DocumentStep(document, generation, _STEPS[task])
        first, last, mode, *_ = rest
        return PageRange(document, generation, first, last, Mode(mode)) if task == PAGES else None
    except (ValueError, KeyError, TypeError, IndexError):  # nothing that this program has sent
        return None


def _overdue(tools: Tools, lanes: Sequence[str]) -> list[Work]:
    seconds = tools.settings.queue.resend_seconds
    return [work for lane in lanes for work in tools.store.status.overdue(lane, seconds)]


def _stuck_documents(tools: Tools) -> list[Work]:
    if tools.store.fleet.depths([CONTROL])[CONTROL] >= _BACKLOG:
        return []
    return tools.store.status.stuck(tools.settings.queue.resend_seconds)
