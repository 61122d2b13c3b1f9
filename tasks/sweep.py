"""The quick rhythm: what the dead held goes on, what is due is sent, waiting work moved, windows filled."""

from __future__ import annotations

from infra.telemetry.meter import METER
from tasks.backoff import delay_seconds
from tasks.context import Tools
from tasks.dispatch import call_delivery, release, send_all, send_due
from tasks.moving import move_waiting

_DOUBLINGS_ASIDE = 2  # of the first delay: longer than it takes a new process to get warm


def sweep(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Two processes at it do no harm."""
    returned = tools.store.status.expire(delay_seconds(tools.settings.queue, _DOUBLINGS_ASIDE))
    METER.count("pages_returned_total", by=len(returned))
    sent = send_all(tools, returned)
    sent += send_due(tools) + call_delivery(tools)
    return sent + move_waiting(tools) + release(tools)
