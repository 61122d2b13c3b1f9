"""What is counted on from a worker, and from a kind of device."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings import ColdStart
from infra.status import Activity, Doing, Heartbeat, Placement
from infra.status.work import PageRange
from tasks.speeds import Speeds, see_kinds, waited_in_vain, worker_speed

NOW = 10_000.0
COLD = {"gpu": ColdStart(seconds=60, megapixels_per_second=40)}
NOTHING = Speeds({}, {})


def beat(kind: str, speed: float | None = None, **fields: Any) -> Heartbeat:
    known = {
        "name": kind,
        "host": "h",
        "pid": 1,
        "device": kind,
        "kind": kind,
        "state": "idle",
        "started": 0.0,
    }
    pages = speed / 4 if speed is not None else None
    measured = {"megapixels_per_second": speed, "pages_per_second": pages, "measured": NOW}
    return Heartbeat.model_validate({**known, **measured, **fields})


def sent(kind: str, megapixels: float, *, at: float = NOW, held: bool = False) -> Placement:
    return Placement(PageRange("d", 1, 1, 4), kind, megapixels, at, wished=False, held=held)


def test_kinds_sum_up_their_workers_and_what_was_sent_to_them() -> None:
    workers = [beat("cpu", 3), beat("cpu", 0.5), beat("control")]
    placements = [sent("cpu", 7), sent("cpu", 2, held=True), sent("npu", 5)]
    (cpu,) = see_kinds(workers, placements, NOTHING, NOW)
    assert (cpu.name, cpu.speed, cpu.workers, cpu.busy) == ("cpu", 3.5, 2, 1)
    assert (cpu.waiting, cpu.held, cpu.delay) == (7, 2, 0)


def test_an_unmeasured_worker_counts_as_its_peers_do_or_as_what_was_known_before() -> None:
    (kind,) = see_kinds([beat("cpu", 3), beat("cpu", 5), beat("cpu")], [], NOTHING, NOW)
    assert kind.speed == 12
    (kind,) = see_kinds([beat("cpu")], [], Speeds({"cpu": 1.5}, {}), NOW)
    assert kind.speed == 1.5
    first = [beat("cpu", 9), beat("cpu"), beat("cpu")]  # it had easy pages, or the others would be through
    (kind,) = see_kinds(first, [], Speeds({"cpu": 1.5}, {}), NOW)
    assert kind.speed == 12
    (kind,) = see_kinds([beat("gpu")], [], Speeds({}, COLD), NOW)
    assert kind.speed == 40
    (kind,) = see_kinds([beat("cpu")], [], NOTHING, NOW)
    assert kind.speed > 0


def test_an_old_measure_counts_the_less_the_older_it_is() -> None:
    assert worker_speed(beat("cpu", 2), 4, NOW) == 2
    aged = [worker_speed(beat("cpu", 2, measured=NOW - age), 4, NOW) for age in (1, 900, 1e6)]
    assert aged == sorted(aged)
    assert aged[1] == pytest.approx(3)
    assert aged[2] == pytest.approx(4)


@pytest.mark.parametrize(("seconds", "speed"), [(1, 2.0), (30, 2.0), (64, 0.25), (200, 0.08)])
def test_a_straggler_counts_for_what_it_does_now(seconds: float, speed: float) -> None:
    doing = Doing(activity=Activity.READING, document="d", page=1, since=NOW - seconds, until=NOW + 1000)
    late = beat("cpu", 2, state="busy", doing=[doing])  # even a large page of 16 megapixels takes it 8 s
    assert worker_speed(late, 2, NOW) == pytest.approx(speed)


def test_what_is_slow_depends_on_the_pages_in_hand() -> None:
    doing = Doing(activity=Activity.READING, document="d", page=1, since=NOW - 5, until=NOW + 1000)
    crew = [beat("gpu", 24, state="busy", doing=[doing])]
    for megapixels, speed in ((120.0, 24.0), (16.0, 0.8)):  # pages of 30 and of 4 megapixels
        (kind,) = see_kinds(crew, [sent("gpu", megapixels, held=True)], NOTHING, NOW)
        assert kind.speed == pytest.approx(speed)


def test_one_that_is_stuck_counts_for_nothing() -> None:
    doing = Doing(activity=Activity.READING, document="d", page=1, since=NOW - 200, until=NOW - 1)
    assert worker_speed(beat("cpu", 2, doing=[doing]), 2, NOW) == 0


def test_a_kind_that_only_warms_up_begins_later_and_one_that_reads_already_does_not_wait_for_the_others() -> (
    None
):
    warming = beat("gpu", state="warming", started=NOW - 4)
    (kind,) = see_kinds([warming], [], NOTHING, NOW)
    assert kind.workers == 1
    assert kind.delay == pytest.approx(6)
    (kind,) = see_kinds([warming, beat("gpu", 30)], [], NOTHING, NOW)
    assert (kind.workers, kind.speed, kind.delay) == (1, 30, 0)


def test_a_kind_at_zero_begins_when_its_start_is_over() -> None:
    (kind,) = see_kinds([], [], Speeds({}, COLD), NOW)
    assert (kind.workers, kind.speed, kind.delay, kind.at_work) == (0, 40, 60, False)
    (kind,) = see_kinds([], [sent("gpu", 8, at=NOW - 50)], Speeds({"gpu": 55}, COLD), NOW)
    assert (kind.speed, kind.delay, kind.at_work) == (55, pytest.approx(10), True)


def test_a_kind_that_does_not_come_is_no_longer_counted_on() -> None:
    speeds = Speeds({}, COLD)
    assert waited_in_vain([], [sent("gpu", 8, at=NOW - 100)], speeds, NOW) == set()
    assert waited_in_vain([], [sent("gpu", 8, at=NOW - 200)], speeds, NOW) == {"gpu"}
    assert waited_in_vain([beat("gpu")], [sent("gpu", 8, at=NOW - 200)], speeds, NOW) == set()
    assert see_kinds([], [], Speeds({}, COLD, {"gpu"}), NOW) == []
    assert [kind.name for kind in see_kinds([beat("gpu")], [], Speeds({}, COLD, {"gpu"}), NOW)] == ["gpu"]


def test_a_worker_for_many_pages_is_busy_when_it_takes_no_more() -> None:
    crew = [beat("gpu", 30, at_once=4)]
    for ranges, busy in ((1, 0), (2, 1)):  # eight pages in hand are what it takes
        held = [sent("gpu", 8, held=True)] * ranges
        (kind,) = see_kinds(crew, held, NOTHING, NOW)
        assert kind.busy == busy


def test_pages_that_a_device_reads_side_by_side_are_in_hand_for_longer() -> None:
    def late(seconds: float) -> float:
        doing = Doing(activity=Activity.READING, document="d", page=1, since=NOW - seconds, until=NOW + 99)
        return worker_speed(beat("gpu", 32, at_once=8, doing=[doing]), 32, NOW)  # eight pages a second

    assert late(6) == 32
    assert late(64) == pytest.approx(16 * 16 / 64)
