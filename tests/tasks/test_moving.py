"""Moving of waiting ranges, planned and done."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.status import Placement
from infra.status.states import DocumentState
from infra.status.work import PageRange
from tasks.moving import move_waiting, plan_moves
from tasks.queues import PAGES
from tasks.routing import KindOfDevice, drain_seconds
from tasks.sweep import sweep

NOW = 1000.0


def sent(kind: str, number: int, **fields: Any) -> Placement:
    known = {"megapixels": 16.0, "at": NOW - 60 + number, "wished": False, "held": False}
    return Placement(PageRange("d", 1, number, number), kind, **{**known, **fields})


def targets(moves: list[tuple[Placement, str]]) -> list[tuple[int, str]]:
    return [(one.pages.first, kind) for one, kind in moves]


def test_what_waits_for_a_kind_that_died_goes_to_one_that_lives() -> None:
    waiting = [sent("gpu", number) for number in (1, 2)]
    assert targets(plan_moves(waiting, [KindOfDevice("cpu", 2)], 0, NOW)) == [(2, "cpu"), (1, "cpu")]


def test_what_is_wished_for_or_in_hand_stays() -> None:
    waiting = [sent("gpu", 1, wished=True), sent("gpu", 2, held=True)]
    assert plan_moves(waiting, [KindOfDevice("cpu", 2)], 0, NOW) == []


def test_with_nobody_at_work_everything_stays() -> None:
    assert plan_moves([sent("gpu", 1)], [], 0, NOW) == []
    assert plan_moves([sent("cpu", 1)], [], 0, NOW) == []


def test_a_kind_that_appeared_takes_over_what_would_be_read_last() -> None:
    waiting = [sent("cpu", number) for number in range(1, 9)]
    cpu = KindOfDevice("cpu", 2, busy=1, held=16, waiting=16 * 8)
    moves = plan_moves(waiting, [cpu, KindOfDevice("gpu", 16)], 0, NOW)
    assert targets(moves) == [(number, "gpu") for number in range(8, 8 - len(moves), -1)]
    assert len(moves) >= 6


def test_a_kind_that_became_slow_loses_what_others_read_sooner() -> None:
    waiting = [sent("gpu", number) for number in range(1, 5)]
    slow = KindOfDevice("gpu", 0.1, busy=1, held=16, waiting=64)
    assert len(plan_moves(waiting, [slow, KindOfDevice("cpu", 2)], 0, NOW)) >= 3
    stuck = KindOfDevice("gpu", 0, busy=1, held=16, waiting=64)
    assert len(plan_moves(waiting, [stuck, KindOfDevice("cpu", 2)], 0, NOW)) == 4


def test_small_gains_and_what_was_just_sent_move_nothing() -> None:
    cpu = KindOfDevice("cpu", 8, busy=1, held=16, waiting=16)
    assert plan_moves([sent("cpu", 1)], [cpu, KindOfDevice("gpu", 9)], 0, NOW) == []
    slow = KindOfDevice("cpu", 0.5, busy=1, held=16, waiting=16)
    just = sent("cpu", 1, at=NOW - 1)
    assert plan_moves([just], [slow, KindOfDevice("gpu", 9)], 0, NOW) == []
    assert plan_moves([just], [KindOfDevice("gpu", 9)], 0, NOW) != []  # nobody is there


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["cpu", "gpu"]), st.floats(1, 32)), max_size=20),
    st.floats(0.1, 100),
    st.floats(0.1, 100),
)
def test_moves_settle_and_never_lengthen_the_drain(
    sizes: list[tuple[str, float]], cpu: float, gpu: float
) -> None:
    waiting = [sent(kind, number, megapixels=size) for number, (kind, size) in enumerate(sizes, start=1)]

    def seen(placements: list[Placement]) -> list[KindOfDevice]:
        return [
            KindOfDevice(name, speed, waiting=sum(one.megapixels for one in placements if one.kind == name))
            for name, speed in (("cpu", cpu), ("gpu", gpu))
        ]

    def last(placements: list[Placement]) -> float:
        return max(drain_seconds([kind]) for kind in seen(placements))

    moved = {one.pages.first: kind for one, kind in plan_moves(waiting, seen(waiting), 0, NOW)}
    after = [
        Placement(one.pages, moved.get(one.pages.first, one.kind), one.megapixels, one.at, wished=False)
        for one in waiting
    ]
    assert last(after) <= last(waiting) + 1e-6
    assert len(plan_moves(after, seen(after), 0, NOW)) <= len(moved)


@pytest.fixture
def values() -> dict[str, Any]:
    return {"queue": {"range_pages": 1}}


def waiting_for(desk: Desk) -> dict[str, int]:
    found = desk.store.placements.all()
    return {kind: sum(one.kind == kind for one in found) for kind in {one.kind for one in found}}


def begun(desk: Desk, **options: Any) -> str:
    desk.pdf(pages=3)
    document = desk.ingest(options=options)
    desk.work(until=PAGES)
    return document


def test_ranges_of_a_kind_that_died_are_read_by_another_and_once(desk: Desk) -> None:
    desk.worker("gpu")
    document = begun(desk)
    assert waiting_for(desk) == {"gpu": 2}
    desk.store.client.rpush(f"{desk.settings.key_prefix}ocr.gpu", "m", "m")  # where Celery keeps them
    old = list(desk.messages)
    desk.store.fleet.leave("gpu-worker")
    assert move_waiting(desk.tools) == 0  # nobody is there to take them
    desk.worker("cpu")
    assert move_waiting(desk.tools) == 2
    assert waiting_for(desk) == {"cpu": 2}
    assert [queue for _, _, queue in desk.messages][-2:] == ["ocr.cpu", "ocr.cpu"]
    assert desk.store.fleet.depths(["ocr.gpu"]) == {"ocr.gpu": 0}
    assert move_waiting(desk.tools) == 0
    desk.messages.extend(old)  # and still the old ones are met later
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == {1: 1, 2: 1, 3: 1}
    assert waiting_for(desk) == {}


def test_a_wish_waits_for_its_kind_whatever_comes(desk: Desk) -> None:
    begun(desk, device="gpu")
    desk.worker("cpu")
    assert move_waiting(desk.tools) == 0
    assert waiting_for(desk) == {"gpu": 2}
    assert {queue for _, _, queue in desk.messages} == {"ocr.gpu"}


def test_a_kind_that_appears_takes_over_what_waits(desk: Desk) -> None:
    desk.worker("cpu", megapixels_per_second=0.01, pages_per_second=0.1)
    begun(desk)
    assert waiting_for(desk) == {"cpu": 2}
    for member, text in desk.store.client.hgetall(f"{desk.settings.key_prefix}placed").items():
        kind, size, at, wished = text.split(":")
        desk.store.client.hset(
            f"{desk.settings.key_prefix}placed", member, f"{kind}:{size}:{float(at) - 60}:{wished}"
        )
    desk.worker("gpu", megapixels_per_second=40, pages_per_second=10)
    assert sweep(desk.tools) >= 2
    assert waiting_for(desk)["gpu"] >= 2
    assert "cpu" not in waiting_for(desk)


@pytest.mark.parametrize("values", [{"cold_kinds": {"gpu": {"seconds": 5, "megapixels_per_second": 40}}}])
def test_a_kind_that_was_to_be_started_and_never_comes_is_given_up(
    desk: Desk, values: dict[str, Any]
) -> None:
    begun(desk)
    assert waiting_for(desk) == {"gpu": 1}
    assert move_waiting(desk.tools) == 0
    assert desk.store.placements.absent(["gpu"]) == set()
    placed = f"{desk.settings.key_prefix}placed"
    for member in desk.store.client.hkeys(placed):
        desk.store.client.hset(placed, member, "gpu:0.250:1.0:0")
    assert move_waiting(desk.tools) == 0  # nobody else is there
    assert desk.store.placements.absent(["gpu"]) == {"gpu"}
    desk.worker("cpu")
    assert move_waiting(desk.tools) == 1
    assert waiting_for(desk) == {"cpu": 1}
