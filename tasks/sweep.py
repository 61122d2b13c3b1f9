"""The quick rhythm: what dead processes held goes on, what is due is sent, windows are filled."""

from __future__ import annotations

from tasks.context import Tools
from tasks.dispatch import release, send_all, send_due


def sweep(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Two processes at it do no harm."""
    sent = send_all(tools, tools.store.status.expire())
    sent += send_due(tools)
    return sent + sum(release(tools, lane) for lane in tools.store.fleet.lanes())
