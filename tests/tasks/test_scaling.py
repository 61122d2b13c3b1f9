"""How many workers are said to be worth having."""

from __future__ import annotations

import pytest
from desk import Desk

from infra.status.work import PageRange
from tasks.queues import PAGES
from tasks.scaling import demand


def placed(desk: Desk, number: int, kind: str = "cpu", megapixels: float = 16.0) -> PageRange:
    pages = PageRange("d", 1, number, number)
    desk.store.placements.put(pages, kind, megapixels, wished=False)
    return pages


def test_nothing_to_do_is_worth_nobody(desk: Desk) -> None:
    assert demand(desk.tools, "cpu", 60).value == 0
    desk.worker("cpu")
    assert demand(desk.tools, "cpu", 60).value == 0


def test_what_waits_is_worth_those_who_would_read_it_in_time(desk: Desk) -> None:
    desk.worker("cpu", megapixels_per_second=0.5, pages_per_second=0.1)
    for number in range(1, 9):
        placed(desk, number)
    found = demand(desk.tools, "cpu", 64)
    assert found.value == pytest.approx(8 * 16 / 0.5 / 64)
    assert (found.waiting, found.held, found.workers, found.busy) == (128, 0, 1, 0)
    assert found.drain_seconds == pytest.approx(256)
    assert demand(desk.tools, "gpu", 64).value == 0


def test_whoever_is_busy_is_not_scaled_away(desk: Desk) -> None:
    for number in range(3):
        desk.worker("cpu", name=f"w{number}", state="busy", megapixels_per_second=50, pages_per_second=10)
    assert demand(desk.tools, "cpu", 60).value == 3  # although nothing waits


def test_a_range_in_hand_counts_before_its_worker_says_so(desk: Desk) -> None:
    desk.pdf(pages=3)
    desk.ingest()
    desk.work(until=PAGES)
    task = desk.messages[0][1]
    pages = PageRange(task[0], task[1], task[2], task[3])
    desk.store.status.begin_range(pages, "cpu@h.1#2#3")
    found = demand(desk.tools, "cpu", 60)
    assert found.busy == 1
    assert found.value == 1
    assert found.held > 0


def test_a_kind_at_zero_is_started_by_its_own_backlog(desk: Desk) -> None:
    desk.pdf(pages=30)
    desk.ingest(options={"device": "gpu"})
    desk.work(until=PAGES)
    assert demand(desk.tools, "gpu", 60).value > 0
    assert demand(desk.tools, "cpu", 60).value == 0


def test_what_is_in_no_queue_yet_counts(desk: Desk) -> None:
    desk.pdf(pages=30)
    desk.ingest()
    desk.work(until=PAGES)
    sent = sum(one.megapixels for one in desk.store.placements.all())
    found = demand(desk.tools, "cpu", 60)
    assert found.waiting > 2 * sent
    assert found.waiting == pytest.approx(30 * 0.25)  # the least that a page counts


def test_what_may_go_anywhere_is_shared_by_speed(desk: Desk) -> None:
    desk.pdf(pages=60)
    desk.ingest()
    desk.work(until=PAGES)
    desk.worker("cpu", megapixels_per_second=10, pages_per_second=5)
    desk.worker("gpu", megapixels_per_second=30, pages_per_second=15)
    in_line = desk.store.placements.in_line()[""]
    for kind, share in (("cpu", 0.25), ("gpu", 0.75)):
        sent = sum(one.megapixels for one in desk.store.placements.all() if one.kind == kind)
        assert demand(desk.tools, kind, 60).waiting == pytest.approx(sent + in_line * share)


def test_what_ended_is_forgotten(desk: Desk) -> None:
    desk.pdf(pages=3)
    desk.ingest()
    desk.work()
    assert desk.store.placements.all() == []
    assert desk.store.placements.in_line() == {}
    placed(desk, 1)  # noted too late: its range is over
    assert desk.store.placements.prune() == 1
    assert desk.store.placements.all() == []


def test_a_kinds_messages_go_only_when_no_range_waits_for_it(desk: Desk) -> None:
    queue = f"{desk.settings.key_prefix}ocr.gpu"
    desk.store.client.rpush(queue, "m")
    placed(desk, 1, "gpu")
    assert not desk.store.placements.clear("gpu", ["ocr.gpu"])
    placed(desk, 1, "cpu")
    assert desk.store.placements.clear("gpu", ["ocr.gpu"])
    assert desk.store.client.exists(queue) == 0


def test_a_worker_that_holds_several_ranges_at_once_is_one_worker(desk: Desk) -> None:
    desk.worker("gpu", state="busy", at_once=4, megapixels_per_second=1000, pages_per_second=250)
    desk.pdf(pages=3)
    desk.ingest()
    desk.work(until=PAGES)
    for number, (_, task, _) in enumerate(list(desk.messages)):
        pages = PageRange(task[0], task[1], task[2], task[3])
        desk.store.status.begin_range(pages, f"gpu:0@h.1#2#{number}")
    assert demand(desk.tools, "gpu", 60).value == 1
