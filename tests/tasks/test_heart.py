from __future__ import annotations

import threading
from collections.abc import Callable

from crew import wait_for
from desk import Desk

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status.status import split_step
from infra.status.work import Claim
from tasks.heart import Heart

QUEUE = QueueSettings(lease_seconds=5, heartbeat_seconds=0.05, page_seconds=0.2)


def beating(desk: Desk, say: Callable[[bool], None], end: Callable[[], None]) -> Heart:
    heart = Heart(desk.store.status, QUEUE, worker="w", say=say, end=end)
    heart.start()
    return heart


def no_end() -> None:
    raise AssertionError("nothing hangs")


def test_leases_in_hand_are_renewed_and_others_are_not(desk: Desk) -> None:
    key = f"{desk.settings.key_prefix}leases"
    desk.store.status.open("a", {})
    heart = beating(desk, lambda busy: None, no_end)
    step = split_step("a", 1)
    with heart.hold() as hold:
        assert desk.store.status.claim(step, hold.owner)[0] is Claim.GO
        hold.add(step.lease)
        desk.store.client.zadd(key, {step.lease: 1})
        wait_for(lambda: (desk.store.client.zscore(key, step.lease) or 0) > 1, "a renewal")
        hold.drop(step.lease)
    desk.store.client.zadd(key, {step.lease: 1})
    heart.stop()
    assert desk.store.client.zscore(key, step.lease) == 1


def test_a_lease_that_somebody_else_took_is_renewed_no_more(desk: Desk) -> None:
    desk.store.status.open("a", {})
    heart = beating(desk, lambda busy: None, no_end)
    step = split_step("a", 1)
    with heart.hold() as hold:
        desk.store.status.claim(step, "somebody#1#1")
        hold.add(step.lease)
        wait_for(lambda: not hold.leases(), "the loss to be noticed")
        assert not hold.drop(step.lease)
    heart.stop()


def test_each_run_is_an_owner_of_its_own(desk: Desk) -> None:
    heart = Heart(desk.store.status, QUEUE, worker="w", say=lambda busy: None)
    with heart.hold() as one:
        pass
    with heart.hold() as two:
        pass
    assert one.owner != two.owner
    assert one.owner.startswith("w#")


def test_a_page_that_takes_too_long_ends_the_process(desk: Desk) -> None:
    ended = threading.Event()
    heart = beating(desk, lambda busy: None, ended.set)
    with heart.hold() as hold, hold.timed("a page"):
        assert ended.wait(60)
    heart.stop()


def test_many_quick_pages_in_a_row_do_not(desk: Desk) -> None:
    said: list[bool] = []
    heart = beating(desk, said.append, no_end)
    with heart.hold() as hold:

        def pages() -> bool:
            with hold.timed("a page"):
                return said.count(True) > 12  # more than three times the limit of one page

        wait_for(pages, "heartbeats")
    heart.stop()


def test_the_heart_beats_on_when_redis_is_away(desk: Desk) -> None:
    said: list[bool] = []

    def say(busy: bool) -> None:
        said.append(busy)
        if len(said) < 3:
            raise BrokerUnavailable("away")

    heart = beating(desk, say, no_end)
    wait_for(lambda: len(said) > 4, "further beats")
    heart.stop()
    assert set(said) == {False}


def test_an_error_nobody_expected_does_not_stop_the_beat(desk: Desk) -> None:
    said: list[bool] = []

    def say(busy: bool) -> None:
        said.append(busy)
        raise ValueError("never seen before")

    heart = beating(desk, say, no_end)
    wait_for(lambda: len(said) > 2, "beats after the first")
    heart.stop()
