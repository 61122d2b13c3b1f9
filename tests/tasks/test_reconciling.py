"""What reconcile sends again, and what it leaves alone."""

from __future__ import annotations

from desk import Desk

from infra.status.states import DocumentState
from tasks.queues import FINALIZE, PAGES
from tasks.reconcile import reconcile


def test_messages_that_were_lost_are_sent_again(desk: Desk) -> None:
    desk.pdf(pages=5)
    document = desk.ingest()
    desk.messages.clear()
    assert reconcile(desk.tools) == 0  # too early
    long_ago(desk, "docs:active")
    assert reconcile(desk.tools) == 1
    desk.work(until=PAGES)
    desk.messages.clear()
    long_ago(desk, "released:default:normal")
    assert reconcile(desk.tools) == 2
    desk.work(until=FINALIZE)
    desk.messages.clear()
    long_ago(desk, "docs:active")
    assert reconcile(desk.tools) == 1
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_ranges_whose_messages_still_wait_are_not_sent_again(desk: Desk) -> None:
    desk.pdf(pages=5)
    desk.ingest()
    desk.work(until=PAGES)
    long_ago(desk, "released:default:normal")
    desk.store.client.lpush(f"{desk.settings.key_prefix}ocr.cpu", "m", "m")
    assert reconcile(desk.tools) == 0
    desk.store.client.lpop(f"{desk.settings.key_prefix}ocr.cpu")
    assert reconcile(desk.tools) == 2


def long_ago(desk: Desk, name: str) -> None:
    key = f"{desk.settings.key_prefix}{name}"
    for member in map(str, desk.store.client.zrange(key, 0, -1)):
        desk.store.client.zadd(key, {member: 1})
