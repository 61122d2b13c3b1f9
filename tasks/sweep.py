"""The quick rhythm: what the dead held goes on, what is due is sent, waiting work moved, windows filled."""

from __future__ import annotations

from infra.status.states import Mode
from infra.status.work import PageRange
from infra.telemetry.meter import METER
from tasks.context import Tools
from tasks.dispatch import call_delivery, release, send_all, send_aside, send_due
from tasks.moving import move_waiting


def sweep(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Two processes at it do no harm."""
    returned = tools.store.status.expire()
    METER.count("pages_returned_total", by=len(returned))
    aside = [work for work in returned if isinstance(work, PageRange) and work.mode is Mode.QUARANTINE]
    for pages in aside:
        send_aside(tools, pages)
    sent = send_all(tools, [work for work in returned if work not in aside])
    sent += send_due(tools) + call_delivery(tools)
    return sent + move_waiting(tools) + release(tools)
