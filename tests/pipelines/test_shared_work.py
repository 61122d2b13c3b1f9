"""Work shared out to several workers: what `gpu:0,1` does with pages."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Event, Lock, get_ident

import pytest

from pipelines.parallel import in_parallel, spread


def test_answers_come_in_the_order_of_the_questions() -> None:
    second_done = Event()

    def slow_at_first(number: int) -> int:
        if number == 0:
            assert second_done.wait(20)
        if number == 1:
            second_done.set()
        return number * number

    assert list(in_parallel(range(20), [slow_at_first] * 2)) == [n * n for n in range(20)]


def test_all_workers_work_at_once() -> None:
    together = Barrier(3, timeout=20)
    assert len(list(in_parallel(range(3), [lambda _: together.wait()] * 3))) == 3


def test_no_worker_is_called_twice_at_once() -> None:
    locks = [Lock(), Lock()]

    def worker(lock: Lock, number: int) -> int:
        assert lock.acquire(blocking=False)
        lock.release()
        return number

    workers = [lambda number, lock=lock: worker(lock, number) for lock in locks]
    assert list(in_parallel(range(200), workers)) == list(range(200))


def test_a_single_worker_works_in_the_callers_thread() -> None:
    assert set(in_parallel(range(3), [lambda _: get_ident()])) == {get_ident()}


def test_questions_are_taken_in_the_callers_thread_and_not_far_ahead() -> None:
    taken: list[int] = []

    def questions() -> Iterator[int]:
        for number in range(100):
            taken.append(get_ident())
            yield number

    answers = in_parallel(questions(), [lambda number: number] * 2)
    assert next(answers) == 0
    assert len(taken) == 3  # one each, and one waiting
    assert set(taken) == {get_ident()}
    answers.close()


def test_what_a_worker_raises_comes_in_its_turn() -> None:
    def worker(number: int) -> int:
        if number == 2:
            raise ValueError("the third one")
        return number

    answers = in_parallel(range(10), [worker] * 3)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(ValueError, match="the third one"):
        next(answers)
    assert list(answers) == []


def test_a_question_that_cannot_be_taken_is_raised_after_the_answers_before_it() -> None:
    def questions() -> Iterator[int]:
        yield from (0, 1)
        raise OSError("no third page")

    answers = in_parallel(questions(), [lambda number: number] * 4)
    assert [next(answers), next(answers)] == [0, 1]
    with pytest.raises(OSError, match="no third page"):
        next(answers)


def test_giving_up_waits_for_what_has_begun() -> None:
    begun, go, done = Event(), Event(), Event()

    def worker(number: int) -> int:
        if number == 1:
            begun.set()
            assert go.wait(20)
            done.set()
        return number

    answers = in_parallel(range(9), [worker] * 2)
    assert next(answers) == 0
    assert begun.wait(20)
    go.set()
    answers.close()
    assert done.is_set()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_what_is_spread_comes_back_in_order(threads: int) -> None:
    assert spread(lambda number: number * number, range(50), threads) == [n * n for n in range(50)]


def test_spread_work_is_done_at_once() -> None:
    together = Barrier(3, timeout=20)
    spread(lambda _: together.wait(), range(3), 3)


def test_an_error_in_spread_work_is_raised_once_nothing_runs_any_more() -> None:
    failed, running = Event(), []

    def work(number: int) -> None:
        if number == 0:
            failed.set()
            raise ValueError("the first")
        assert failed.wait(20)
        running.append(number)
        running.remove(number)

    with pytest.raises(ValueError, match="the first"):
        spread(work, range(40), 2)
    assert not running
