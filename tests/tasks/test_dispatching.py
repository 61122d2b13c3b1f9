from __future__ import annotations

import json
from typing import Any

import pytest
from desk import Desk

from infra.settings import QueueSettings
from infra.status.states import Mode
from infra.status.status import split_step
from infra.status.work import PageRange
from tasks.backoff import delay_seconds
from tasks.dispatch import release, send, send_due, send_later
from tasks.queues import CONTROL, PAGES, SPLIT

FIELDS = {
    "tenant": "default",
    "priority": "bulk",
    "source": "s",
    "folder": "f",
    "megapixels": "8",
    "pages": "4",
}


def queue_of(desk: Desk, mode: Mode = Mode.NORMAL) -> str:
    send(desk.tools, PageRange("d", 1, 1, 2, mode))
    task, arguments, queue = desk.messages.pop()
    assert (task, arguments) == (PAGES, ["d", 1, 1, 2, mode.value, 0])
    return queue


def test_pages_go_to_the_live_kind_in_the_documents_priority(desk: Desk) -> None:
    desk.store.status.open("d", FIELDS)
    assert queue_of(desk) == "ocr.cpu.bulk"  # nobody lives: they wait for a CPU
    desk.worker("npu")
    assert queue_of(desk) == "ocr.npu.bulk"


def test_between_two_kinds_the_shorter_drain_wins(desk: Desk) -> None:
    desk.store.status.open("d", FIELDS)
    desk.worker("cpu", megapixels_per_second=4.0)
    desk.worker("gpu", megapixels_per_second=40.0)
    assert queue_of(desk) == "ocr.gpu.bulk"
    for first in range(3, 23):
        desk.store.placements.put(PageRange("d", 1, first, first), "gpu", 16.0, wished=False)
    assert queue_of(desk) == "ocr.cpu.bulk"


def test_a_wish_and_giving_up_have_their_own_queues(desk: Desk) -> None:
    desk.store.status.open("d", {**FIELDS, "device": "gpu"})
    desk.worker("cpu")
    assert queue_of(desk) == "ocr.gpu.bulk"
    assert queue_of(desk, Mode.GIVEN_UP) == CONTROL


def test_the_window_grows_with_the_workers(desk: Desk) -> None:
    desk.pdf(pages=30)
    desk.ingest()
    desk.work(until=PAGES)
    per_worker = desk.settings.queue.window_per_worker
    assert len(desk.messages) == per_worker
    desk.worker("cpu", name="one")
    desk.worker("cpu", name="two")
    desk.worker("control")
    assert release(desk.tools) == per_worker
    assert release(desk.tools) == 0


def test_documents_that_wait_for_a_device_hold_nobody_up(desk: Desk) -> None:
    desk.worker("cpu")
    desk.pdf("wishing.pdf", pages=30)
    desk.ingest("wishing.pdf", options={"device": "gpu"})
    desk.work(until=PAGES)
    assert {queue for _, _, queue in desk.messages} == {"ocr.gpu"}
    desk.messages.clear()  # no worker takes them
    desk.pdf("other.pdf", pages=30)
    desk.ingest("other.pdf")
    desk.work(until=PAGES)
    assert {queue for _, _, queue in desk.messages} == {"ocr.cpu"}


def test_of_a_fast_kinds_queue_those_that_wish_for_it_get_half(desk: Desk) -> None:
    desk.worker("gpu", megapixels_per_second=40.0)
    for number in range(10):
        desk.worker("cpu", name=f"cpu-{number}", megapixels_per_second=0.1)
    desk.pdf("wishing.pdf", pages=30)
    desk.ingest("wishing.pdf", options={"device": "gpu"})
    desk.work(until=PAGES)
    per_worker = desk.settings.queue.window_per_worker
    assert len(desk.messages) == per_worker
    for number in range(1, 9):
        desk.store.placements.put(PageRange("any", 1, number, number), "gpu", 16.0, wished=False)
    assert release(desk.tools) == 8 - per_worker
    assert {queue for _, _, queue in desk.messages} == {"ocr.gpu"}
    assert release(desk.tools) == 0


def test_a_delayed_step_is_sent_in_its_time_with_one_more_try(desk: Desk) -> None:
    send_later(desk.tools, split_step("d", 1), tries=2)
    assert send_due(desk.tools) == 0
    key = f"{desk.settings.key_prefix}delayed"
    (text,) = map(str, desk.store.client.zrange(key, 0, -1))
    assert json.loads(text) == {"work": "d:1:split", "tries": 3}
    desk.store.client.zadd(key, {text: 0})
    assert send_due(desk.tools) == 1
    assert list(desk.messages) == [(SPLIT, ["d", 1, 3], CONTROL)]
    assert send_due(desk.tools) == 0


@pytest.mark.parametrize(("tries", "most"), [(0, 2), (1, 4), (3, 16), (9, 300), (10_000, 300)])
def test_delays_double_up_to_a_limit(tries: int, most: float) -> None:
    queue = QueueSettings(retry_seconds=2, retry_limit_seconds=300)
    found: list[Any] = [delay_seconds(queue, tries) for _ in range(50)]
    assert max(found) <= most
    assert min(found) >= most / 2
    assert len(set(found)) > 1
