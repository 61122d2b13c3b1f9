"""The choice of a kind of device, by what it does to the time until everything is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.routing import HARDER, KindOfDevice, choose_kind, drain_seconds, windows_of

CPU = KindOfDevice("cpu", speed=4, workers=2)
GPU = KindOfDevice("gpu", speed=40)
COLD = KindOfDevice("gpu", speed=40, workers=0, delay=60)

kinds_of_devices = st.lists(
    st.builds(
        KindOfDevice,
        name=st.sampled_from(["cpu", "gpu", "npu", "xpu"]),
        speed=st.floats(0.1, 500),
        workers=st.integers(0, 64),
        waiting=st.floats(0, 5000),
        delay=st.floats(0, 300),
    ),
    max_size=4,
    unique_by=lambda kind: kind.name,
)


def test_work_goes_where_it_ends_first() -> None:
    assert choose_kind(8, None, [CPU, GPU]) == "gpu"
    assert choose_kind(8, None, [CPU, GPU.with_more(400)]) == "cpu"


def test_with_much_ahead_nobody_idles() -> None:
    loaded = GPU.with_more(40)
    assert choose_kind(8, None, [CPU, loaded]) == "gpu"  # the CPU alone would end this later than the GPU all
    assert choose_kind(8, None, [CPU, loaded], ahead=4000) == "cpu"


def test_with_much_ahead_queues_grow_alike_in_seconds() -> None:
    cpu = KindOfDevice("cpu", 4, workers=2, busy=2, waiting=16, held=16)  # 6 s
    assert choose_kind(8, None, [cpu, GPU.with_more(160)], ahead=4000) == "gpu"  # 4 s
    assert choose_kind(8, None, [cpu, GPU.with_more(320)], ahead=4000) == "cpu"  # 8 s


def test_a_slow_worker_is_not_what_everybody_waits_for_at_the_end() -> None:
    idle = KindOfDevice("cpu", speed=64, workers=64)  # a range of 16 takes one of them 16 s
    busy = KindOfDevice("gpu", speed=120, workers=3, busy=3, waiting=480, held=48)  # and the GPUs 4.7 s
    assert choose_kind(16, None, [idle, busy]) == "gpu"
    assert choose_kind(16, None, [idle, busy], ahead=10_000) == "cpu"


def test_a_slow_worker_that_would_barely_end_first_does_not_get_a_range_that_may_be_hard() -> None:
    idle = KindOfDevice("cpu", speed=64, workers=64)  # 16 s, if it is as its size says
    busy = KindOfDevice("gpu", speed=120, workers=3, busy=3, waiting=1860, held=48)  # 16.1 s, whatever it is
    assert choose_kind(16, None, [idle, busy]) == "gpu"
    assert choose_kind(2, None, [idle, busy]) == "cpu"


@settings(deadline=None)
@given(st.floats(0.1, 100), st.sampled_from(["cpu", "gpu", "npu"]), kinds_of_devices, st.floats(0, 1e5))
def test_a_wish_is_never_changed(
    megapixels: float, wish: str, kinds: list[KindOfDevice], ahead: float
) -> None:
    assert choose_kind(megapixels, wish, kinds, ahead) == wish


def test_a_kind_is_started_when_it_would_read_before_the_others_are_done() -> None:
    assert choose_kind(8, None, [CPU, COLD]) == "cpu"
    assert choose_kind(8, None, [CPU.with_more(1000), COLD]) == "gpu"
    assert choose_kind(8, None, [CPU, COLD], ahead=1000) == "gpu"
    assert choose_kind(8, None, [COLD]) == "gpu"


def test_a_kind_that_is_being_started_gets_no_more_than_it_could_read_first() -> None:
    started = COLD.with_more(8)
    assert choose_kind(8, None, [CPU, started], ahead=1000) == "cpu"
    assert choose_kind(8, None, [CPU.with_more(400), started], ahead=1000) == "gpu"


def test_of_kinds_at_zero_the_one_that_reads_first_is_started_and_then_those_that_pay() -> None:
    cpu = KindOfDevice("cpu", speed=2, workers=0, delay=5)
    assert choose_kind(8, None, [cpu, COLD]) == "cpu"
    assert choose_kind(8, None, [cpu.with_more(8), COLD]) == "cpu"
    assert choose_kind(8, None, [cpu.with_more(8), COLD], ahead=500) == "gpu"


def test_with_nobody_at_work_it_waits_for_a_cpu() -> None:
    assert choose_kind(8, None, []) == "cpu"
    assert choose_kind(8, None, [KindOfDevice("gpu", speed=0)]) == "cpu"


def test_work_drains_as_a_fluid_into_kinds_that_begin_one_after_the_other() -> None:
    assert drain_seconds([], 8) == float("inf")
    assert drain_seconds([GPU], 80) == pytest.approx(2)
    assert drain_seconds([KindOfDevice("gpu", 40, delay=10), CPU], 40) == pytest.approx(10)
    assert drain_seconds([KindOfDevice("gpu", 40, delay=10), CPU], 40 + 44) == pytest.approx(11)
    assert drain_seconds([KindOfDevice("gpu", 40, held=80, busy=1)], 0) == pytest.approx(1)  # half is done


@settings(deadline=None)
@given(kinds_of_devices.filter(bool), st.floats(0, 1e5))
def test_in_the_time_to_drain_exactly_everything_is_read(kinds: list[KindOfDevice], ahead: float) -> None:
    seconds = drain_seconds(kinds, ahead)
    done = sum(kind.speed * max(0.0, seconds - kind.delay) for kind in kinds)
    assert done == pytest.approx(ahead + sum(kind.left for kind in kinds), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0.1, 100), kinds_of_devices.filter(bool), st.floats(0, 1e5))
def test_whatever_is_chosen_can_be_used_and_is_not_needlessly_late(
    megapixels: float, kinds: list[KindOfDevice], ahead: float
) -> None:
    found = {kind.name: kind for kind in kinds}[choose_kind(megapixels, None, kinds, ahead)]
    at_work = [kind for kind in kinds if kind.at_work]
    drain = drain_seconds(at_work, ahead + megapixels)
    first = min(kind.end(megapixels * HARDER) for kind in at_work or kinds)
    assert found.end(megapixels) <= max(drain, first)


def test_those_that_wish_for_a_kind_may_have_as_much_in_its_queue_as_the_others_have() -> None:
    workers = {"cpu": 200, "gpu": 4}
    assert windows_of(workers, {}, 2) == {"": 408, "cpu": 400, "gpu": 8}
    assert windows_of(workers, {"cpu": 300, "gpu": 70}, 2) == {"": 408, "cpu": 400, "gpu": 70}


def test_a_window_is_there_with_no_worker_and_counts_on_none_of_a_kind_that_has_to_come() -> None:
    assert windows_of({}, {"gpu": 5}, 2) == {"": 2}
