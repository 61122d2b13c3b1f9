from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import ColdStart
from infra.status import Heartbeat
from tasks.queues import queue_for, queues_of
from tasks.ranges import page_cost, plan_ranges
from tasks.routing import KindOfDevice, choose_kind, see_kinds


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=200),
    st.floats(0.5, 50),
    st.integers(1, 20),
)
def test_ranges_cover_every_page_once_and_keep_both_limits(
    sizes: list[float], megapixels: float, pages: int
) -> None:
    firsts = plan_ranges(sizes, most_megapixels=megapixels, most_pages=pages)
    assert firsts[0] == 1
    assert firsts == sorted(set(firsts))
    for first, following in zip(firsts, [*firsts[1:], len(sizes) + 1], strict=True):
        cut = [page_cost(size) for size in sizes[first - 1 : following - 1]]
        assert 1 <= len(cut) <= pages
        assert len(cut) == 1 or sum(cut) <= megapixels + 1e-6


def test_ranges_are_no_smaller_than_they_must_be() -> None:
    assert plan_ranges([2.0] * 9, most_megapixels=8, most_pages=64) == [1, 5, 9]
    assert plan_ranges([0.0] * 9, most_megapixels=100, most_pages=4) == [1, 5, 9]
    assert plan_ranges([50.0, 1.0, 1.0], most_megapixels=8, most_pages=4) == [1, 2]
    assert plan_ranges([], most_megapixels=8, most_pages=4) == []


def test_work_goes_where_it_ends_first() -> None:
    cpu, gpu = KindOfDevice("cpu", speed=4), KindOfDevice("gpu", speed=40)
    assert choose_kind(8, None, [cpu, gpu]) == "gpu"
    assert choose_kind(8, None, [cpu, KindOfDevice("gpu", speed=40, backlog=400)]) == "cpu"


def test_a_wish_waits_for_its_kind() -> None:
    assert choose_kind(8, "npu", [KindOfDevice("cpu", speed=4)]) == "npu"


def test_a_kind_that_can_be_started_is_chosen_when_the_work_pays_for_the_start() -> None:
    cold = KindOfDevice("gpu", speed=0, cold=ColdStart(seconds=60, megapixels_per_second=40))
    assert choose_kind(8, None, [KindOfDevice("cpu", speed=4), cold]) == "cpu"
    assert choose_kind(8, None, [KindOfDevice("cpu", speed=4, backlog=1000), cold]) == "gpu"
    assert choose_kind(8, None, [cold]) == "gpu"


def test_with_nobody_at_work_it_waits_for_a_cpu() -> None:
    assert choose_kind(8, None, []) == "cpu"
    assert choose_kind(8, None, [KindOfDevice("gpu", speed=0)]) == "cpu"


def beat(kind: str, **fields: Any) -> Heartbeat:
    return Heartbeat(name=kind, host="h", pid=1, device=kind, kind=kind, state="idle", started=0, **fields)


def test_kinds_sum_up_the_speeds_of_their_workers() -> None:
    workers = [beat("cpu", megapixels_per_second=3), beat("cpu", megapixels_per_second=0.5), beat("control")]
    cold = {"gpu": ColdStart(seconds=60, megapixels_per_second=40)}
    cpu, gpu = see_kinds(workers, {"cpu": 7.0}, cold)
    assert (cpu.name, cpu.speed, cpu.backlog, cpu.cold) == ("cpu", 3.5, 7.0, None)
    assert (gpu.name, gpu.speed, gpu.cold) == ("gpu", 0.0, cold["gpu"])


def test_a_worker_that_has_not_measured_itself_is_assumed_to_be_of_use() -> None:
    (cpu,) = see_kinds([beat("cpu")], {}, {})
    assert cpu.seconds_for(4) == pytest.approx(2)


def test_names_of_queues() -> None:
    assert queue_for("gpu", "high") == "ocr.gpu.high"
    assert queues_of("cpu") == ["ocr.cpu.high", "ocr.cpu", "ocr.cpu.bulk"]
    assert queues_of("control") == ["control"]
