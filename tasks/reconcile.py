"""The slow rhythm, half a minute or so: finds what messages were lost for, and sends it again."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence

from infra.status.keys import is_control_lane
from infra.status.states import Mode
from infra.status.work import PageRange, Work
from infra.telemetry.meter import METER
from pipelines.devices import KINDS
from tasks.context import Tools
from tasks.dispatch import send_all
from tasks.queues import CONTROL, PAGES, queues_of

_log = logging.getLogger(__name__)
# With more messages than this waiting for the control workers, documents that wait are not stuck.
_BACKLOG = 100


def reconcile(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Sending one too many is harmless: leases catch it."""
    tools.store.status.recount(tools.settings.tenants)
    lanes = tools.store.fleet.lanes()
    works = _lost_ranges(tools, [lane for lane in lanes if not is_control_lane(lane)])
    works += _overdue(tools, [lane for lane in lanes if is_control_lane(lane)]) + _stuck_documents(tools)
    METER.count("messages_resent_total", by=len(works))
    for work in works:
        _log.info("sent again: %s", work.member)
    return send_all(tools, works)


def _lost_ranges(tools: Tools, lanes: Sequence[str]) -> list[Work]:
    """Find ranges without a message in the queues of the kind of device that they were sent to.

    The messages themselves are looked at: a range that only waits long is not sent again, and what waits for
    another kind, or twice, hides nobody's loss. So no range has two messages in a queue, whatever workers
    have taken and not begun.
    """
    overdue = _overdue(tools, lanes)
    if not overdue:
        return []
    waiting = {kind: _waiting(tools, kind) for kind in (CONTROL, *KINDS)}
    anywhere = set[Work]().union(*waiting.values())
    placed = {placement.pages: placement.kind for placement in tools.store.placements.all()}

    def has_message(work: Work) -> bool:
        # One that is given up goes to the control workers; of others the place may be forgotten.
        kind = placed.get(work) if isinstance(work, PageRange) else None
        return work in (anywhere if kind is None else waiting[kind])

    return [work for work in overdue if not has_message(work)]


def _waiting(tools: Tools, kind: str) -> set[Work]:
    """The ranges of which a message waits in the queues of a kind."""
    messages = tools.store.fleet.messages(queues_of(kind))
    return {pages for message in messages if (pages := _range_of(message)) is not None}


def _range_of(message: str) -> PageRange | None:
    """The range that a message of Celery's is about; None for other tasks."""
    try:
        envelope = json.loads(message)
        if envelope["headers"]["task"] != PAGES:
            return None
        (document, generation, first, last, mode, *_), *_ = json.loads(base64.b64decode(envelope["body"]))
        return PageRange(document, generation, first, last, Mode(mode))
    except (ValueError, KeyError, TypeError):  # nothing that this program has sent
        return None


def _overdue(tools: Tools, lanes: Sequence[str]) -> list[Work]:
    seconds = tools.settings.queue.resend_seconds
    return [work for lane in lanes for work in tools.store.status.overdue(lane, seconds)]


def _stuck_documents(tools: Tools) -> list[Work]:
    if tools.store.fleet.depths([CONTROL])[CONTROL] >= _BACKLOG:
        return []
    return tools.store.status.stuck(tools.settings.queue.resend_seconds)
