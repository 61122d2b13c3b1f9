"""What reconcile sends again, and what it leaves alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from desk import Desk

from infra.settings import QueueSettings
from infra.status.states import DocumentState
from infra.status.work import Announcement
from tasks.dispatch import announce_dropped
from tasks.produce import Producer
from tasks.queues import CONTROL, FINALIZE, PAGES
from tasks.reconcile import reconcile
from worker.sending import tools_for


def test_messages_that_were_lost_are_sent_again(desk: Desk) -> None:
    desk.pdf(pages=5)
    document = desk.ingest()
    desk.messages.clear()
    assert reconcile(desk.tools) == 0  # too early
    long_ago(desk, "released:default:normal:split")
    assert reconcile(desk.tools) == 1
    desk.work(until=PAGES)
    desk.messages.clear()
    long_ago(desk, "released:default:normal")
    assert reconcile(desk.tools) == 2
    desk.work(until=FINALIZE)
    desk.messages.clear()
    long_ago(desk, "released:default:normal:finalize")
    assert reconcile(desk.tools) == 1
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_an_announcement_that_is_made_again_and_lost_on_its_way_is_sent_again(desk: Desk) -> None:
    for name in ("a.pdf", "b.pdf"):
        desk.pdf(name, pages=1)
        desk.store.fleet.drop(Announcement.of(desk.ref(name).content()).member)
    assert [ref["key"] for ref in announce_dropped(desk.tools)] == ["a.pdf", "b.pdf"]
    assert desk.store.fleet.dropped() == []
    desk.messages.clear()
    long_ago(desk, "released:default::ingest")
    assert reconcile(desk.tools) == 1
    desk.work()
    assert [found.state for found in desk.documents()] == [DocumentState.SUCCEEDED] * 2


def test_ranges_whose_messages_still_wait_are_not_sent_again(desk: Desk) -> None:
    desk.pdf(pages=5)
    desk.ingest()
    desk.work(until=PAGES)
    first, _ = ranges(desk)
    with queued(desk) as deliver:
        deliver()
        long_ago(desk, "released:default:normal")
        assert reconcile(desk.tools) == 0
        assert pop(desk) == first
        long_ago(desk, "released:default:normal")
        assert reconcile(desk.tools) == 1
        assert ranges(desk) == [first]


def test_messages_for_another_kind_hide_no_loss(desk: Desk) -> None:
    desk.worker("cpu")
    desk.pdf("wishes.pdf", pages=2)
    desk.ingest("wishes.pdf", options={"device": "gpu"})
    desk.work(until=PAGES)
    (wish,) = desk.messages
    with queued(desk) as deliver:
        deliver()
        desk.messages.extend([wish] * 3)
        deliver()
        desk.pdf("lost.pdf", pages=2)
        lost = desk.ingest("lost.pdf")
        desk.work(until=PAGES)
        for _ in range(3):
            (message,) = ranges(desk)
            assert message[0] == lost
            desk.messages.clear()
            long_ago(desk, "released:default:normal", "released:default:normal:gpu")
            assert reconcile(desk.tools) == 1
        desk.messages.clear()
    assert desk.store.fleet.depths(["ocr.gpu"]) == {"ocr.gpu": 4}


def test_a_range_that_a_worker_has_taken_and_not_begun_is_sent_once_more_at_most(desk: Desk) -> None:
    desk.worker("cpu")
    desk.pdf(pages=2)
    desk.ingest()
    desk.work(until=PAGES)
    with queued(desk) as deliver:
        deliver()
        pop(desk)
        for resent in (1, 0, 0):
            long_ago(desk, "released:default:normal")
            assert reconcile(desk.tools) == resent
            deliver()
    assert desk.store.fleet.depths(["ocr.cpu"]) == {"ocr.cpu": 1}


def test_steps_and_announcements_whose_messages_still_wait_are_not_sent_again(desk: Desk) -> None:
    desk.pdf(pages=1)
    desk.pdf("b.pdf", pages=1)
    desk.ingest()
    with producing(desk) as producer:
        producer.announce(desk.ref("b.pdf"))  # its message is in the queue already
    with queued(desk) as deliver:
        deliver()
        assert desk.store.fleet.depths([CONTROL]) == {CONTROL: 2}
        for resent in (0, 2, 0):
            long_ago(desk, "docs:active", "released:default:normal:split", "released:default::ingest")
            assert reconcile(desk.tools) == resent
            deliver()
            if resent == 0:
                desk.store.client.delete(f"{desk.settings.key_prefix}{CONTROL}")
    assert {task for task, _, _ in desk.messages} == set()


def test_what_is_lost_is_sent_again_within_half_a_minute_whoever_dies() -> None:
    queue = QueueSettings()
    # It has to lie for a while, and then one beat may have been the last of whoever would have had the next.
    assert queue.resend_seconds + 2 * queue.reconcile_seconds <= 30


@contextmanager
def producing(desk: Desk) -> Iterator[Producer]:
    with Producer(desk.settings.broker_url, key_prefix=desk.settings.key_prefix) as producer:
        yield producer


@contextmanager
def queued(desk: Desk) -> Iterator[Callable[[], None]]:
    """What puts the desk's messages into their queues."""
    with tools_for(desk.settings, desk.store) as tools:

        def deliver() -> None:
            while desk.messages:
                tools.send(*desk.messages.popleft())

        yield deliver


def pop(desk: Desk) -> list[Any]:
    """Take the next message as a worker does; the task's arguments."""
    message = json.loads(str(desk.store.client.rpop(f"{desk.settings.key_prefix}ocr.cpu")))
    arguments: list[Any] = json.loads(base64.b64decode(message["body"]))[0]
    return arguments


def ranges(desk: Desk) -> list[list[Any]]:
    return [arguments for _, arguments, _ in desk.messages]


def long_ago(desk: Desk, *names: str) -> None:
    for name in names:
        key = f"{desk.settings.key_prefix}{name}"
        for member in map(str, desk.store.client.zrange(key, 0, -1)):
            desk.store.client.zadd(key, {member: 1})
