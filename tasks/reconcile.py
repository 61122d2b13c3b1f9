"""The slow rhythm, half a minute or so: finds what messages were lost for, and sends it again."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from infra.status.keys import is_control_lane
from infra.status.work import Work
from infra.telemetry.meter import METER
from pipelines.devices import KINDS
from tasks.context import Tools
from tasks.dispatch import send_all
from tasks.queues import CONTROL, queues_of

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
    """Find ranges without a message. While there are messages for all that nobody holds, none can be lost."""
    fleet = tools.store.fleet
    waiting = sum(fleet.depths([queue for kind in KINDS for queue in queues_of(kind)]).values())
    if waiting >= fleet.unheld(lanes):
        return []
    return _overdue(tools, lanes)


def _overdue(tools: Tools, lanes: Sequence[str]) -> list[Work]:
    seconds = tools.settings.queue.resend_seconds
    return [work for lane in lanes for work in tools.store.status.overdue(lane, seconds)]


def _stuck_documents(tools: Tools) -> list[Work]:
    if tools.store.fleet.depths([CONTROL])[CONTROL] >= _BACKLOG:
        return []
    return tools.store.status.stuck(tools.settings.queue.resend_seconds)
