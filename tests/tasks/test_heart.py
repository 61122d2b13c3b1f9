from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from crew import site, wait_for, write_pdf
from desk import Desk

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import Activity, Doing, Status
from infra.status.states import DocumentState
from infra.status.status import split_step
from infra.status.work import Claim
from tasks.heart import Heart
from tasks.memory import Memory
from worker.stack.valkey import ValkeyHandle

QUEUE = QueueSettings(lease_seconds=5, heartbeat_seconds=0.05, page_seconds=0.2)
HASTY = QUEUE.model_copy(update={"page_seconds": 600, "step_seconds": 0.2})


Said = Sequence[Doing] | None


def beating(
    desk: Desk,
    say: Callable[[Said], None],
    end: Callable[[], None],
    queue: QueueSettings = QUEUE,
    **others: Any,
) -> Heart:
    heart = Heart(desk.store.status, queue, worker="w", say=say, end=end, **others)
    heart.start()
    return heart


def no_end() -> None:
    raise SystemExit("nothing hangs")  # ends the beat, which outlives every other exception


def test_leases_in_hand_are_renewed_and_others_are_not(desk: Desk) -> None:
    key = f"{desk.settings.key_prefix}leases"
    desk.store.status.open("a", {})
    heart = beating(desk, lambda doing: None, no_end)
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


def test_every_run_in_the_process_has_its_leases_renewed_and_what_it_is_at_told(desk: Desk) -> None:
    """On a device that takes pages of many documents at once."""
    said: list[Said] = []
    heart = beating(desk, said.append, no_end, HASTY.model_copy(update={"step_seconds": 600}))
    key = f"{desk.settings.key_prefix}leases"
    steps = [split_step(document, 1) for document in ("a", "b")]
    with heart.hold() as first, heart.hold() as second:
        assert first.owner != second.owner
        for step, hold in zip(steps, (first, second), strict=True):
            desk.store.status.open(step.document, {})
            assert desk.store.status.claim(step, hold.owner)[0] is Claim.GO
            hold.add(step.lease)
            desk.store.client.zadd(key, {step.lease: 1})
        with first.timed(Activity.READING, "a", 1), second.timed(Activity.WRITING, "b", 2):
            leases = [step.lease for step in steps]
            wait_for(
                lambda: all((desk.store.client.zscore(key, lease) or 0) > 1 for lease in leases), "renewals"
            )
            wait_for(lambda: said and [one.document for one in said[-1] or ()] == ["a", "b"], "both are told")
    heart.stop()


def test_a_lease_that_somebody_else_took_is_renewed_no_more(desk: Desk) -> None:
    desk.store.status.open("a", {})
    heart = beating(desk, lambda doing: None, no_end)
    step = split_step("a", 1)
    with heart.hold() as hold:
        desk.store.status.claim(step, "somebody#1#1")
        hold.add(step.lease)
        wait_for(lambda: not hold.leases(), "the loss to be noticed")
        assert not hold.drop(step.lease)
    heart.stop()


def test_a_worker_that_is_stuck_in_writing_is_ended_and_the_document_goes_on(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    log = tmp_path / "log"
    log.mkdir()
    with site(tmp_path, valkey.broker_url, "stuck:", queue={"step_seconds": 2}) as made:
        made.start("control")
        made.start("cpu", log=str(log), hang_write=[2])
        made.ready(control=1, cpu=1)
        first = made.child_pid()
        write_pdf(made.inbox / "a.pdf", 3)
        made.announce("a.pdf")
        (document,) = made.ended()
        assert (document.state, document.done) == (DocumentState.SUCCEEDED, 3)
        assert made.child_pid() != first
        assert f"writing page 2 of document {document.id} took longer than 2 s" in made.logs()


def test_each_run_is_an_owner_of_its_own(desk: Desk) -> None:
    heart = Heart(desk.store.status, QUEUE, worker="w", say=lambda doing: None)
    with heart.hold() as one:
        pass
    with heart.hold() as two:
        pass
    assert one.owner != two.owner
    assert one.owner.startswith("w#")


def test_a_page_that_takes_too_long_ends_the_process(desk: Desk) -> None:
    ended = threading.Event()
    heart = beating(desk, lambda doing: None, ended.set)
    with heart.hold() as hold, hold.timed(Activity.READING, "a", 1):
        assert ended.wait(60)
    heart.stop()


@pytest.mark.parametrize("activity", [Activity.FETCHING, Activity.WRITING, Activity.FINALIZING])
def test_a_step_that_gets_stuck_ends_the_process(desk: Desk, activity: Activity) -> None:
    ended = threading.Event()
    heart = beating(desk, lambda doing: None, ended.set, HASTY)
    with heart.hold() as hold, hold.timed(activity, "a"):
        assert ended.wait(60)
    heart.stop()


def test_a_task_in_which_nothing_moves_ends_the_process(desk: Desk) -> None:
    ended = threading.Event()
    heart = beating(desk, lambda doing: None, ended.set, HASTY)
    with heart.hold():
        assert ended.wait(60)
    heart.stop()


@pytest.mark.parametrize("activity", [Activity.FETCHING, Activity.FINALIZING])
def test_a_step_that_gets_on_may_take_long(desk: Desk, activity: Activity) -> None:
    said: list[Said] = []
    heart = beating(desk, said.append, no_end, HASTY)
    with heart.hold() as hold, hold.timed(activity, "a") as move:

        def pages() -> bool:
            move()
            return len(said) > 12  # more than three times the limit

        wait_for(pages, "heartbeats")
    heart.stop()


def test_a_heartbeat_tells_what_goes_on_since_when_and_until_when(desk: Desk) -> None:
    said: list[Said] = []
    heart = beating(desk, said.append, no_end, QueueSettings(heartbeat_seconds=0.05))
    with (
        heart.hold() as hold,
        hold.timed(Activity.WRITING, "a", 1),
        hold.timed(Activity.READING, "a", 2),
    ):
        told = wait_for(lambda: next((doing for doing in said if doing and len(doing) == 2), None), "a beat")
    wait_for(lambda: said[-1] is None, "a beat of one that is idle")
    heart.stop()
    writing, reading = told
    assert str(writing) == "writing page 1 of document a"
    assert writing.until is not None
    assert writing.until - writing.since == pytest.approx(600)
    assert str(reading) == "reading page 2 of document a"
    assert reading.until is not None
    assert reading.until - reading.since == pytest.approx(180)


def test_many_quick_pages_in_a_row_do_not(desk: Desk) -> None:
    said: list[Said] = []
    heart = beating(desk, said.append, no_end)
    with heart.hold() as hold:

        def pages() -> bool:
            with hold.timed(Activity.READING, "a", 1):
                return len(said) - said.count(None) > 12  # more than three times the limit of one page

        wait_for(pages, "heartbeats")
    heart.stop()


def test_the_heart_beats_on_when_redis_is_away(desk: Desk) -> None:
    said: list[Said] = []

    def say(doing: Said) -> None:
        said.append(doing)
        if len(said) < 3:
            raise BrokerUnavailable("away")

    heart = beating(desk, say, no_end)
    wait_for(lambda: len(said) > 4, "further beats")
    heart.stop()
    assert all(doing is None for doing in said)


def test_an_error_nobody_expected_does_not_stop_the_beat(desk: Desk) -> None:
    said: list[Said] = []

    def say(doing: Said) -> None:
        said.append(doing)
        raise ValueError("never seen before")

    heart = beating(desk, say, no_end)
    wait_for(lambda: len(said) > 2, "beats after the first")
    heart.stop()


@pytest.mark.parametrize("part", ["say", "note"])
def test_leases_are_renewed_though_nothing_can_be_said_or_left(desk: Desk, part: str) -> None:
    """A full disk, perhaps: nobody is dead for that."""
    key = f"{desk.settings.key_prefix}leases"

    def full(doing: Said) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space left on device")

    desk.store.status.open("a", {})
    told: dict[str, Any] = {"say": lambda doing: None, part: full}
    heart = beating(desk, told.pop("say"), no_end, **told)
    step = split_step("a", 1)
    with heart.hold() as hold:
        desk.store.status.claim(step, hold.owner)
        hold.add(step.lease)
        for _ in range(2):
            desk.store.client.zadd(key, {step.lease: 1})
            wait_for(lambda: (desk.store.client.zscore(key, step.lease) or 0) > 1, "a renewal")
    heart.stop()


def test_what_hangs_is_ended_and_the_worker_is_seen_to_live_while_redis_is_silent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, ended = threading.Event(), threading.Event()
    noted: list[Said] = []

    def renew(*_: object) -> list[str]:
        answer.wait(60)
        return []

    monkeypatch.setattr(Status, "renew", renew)
    heart = beating(desk, lambda doing: None, ended.set, note=noted.append)
    with heart.hold() as hold:
        hold.add("a:1:split")
        wait_for(lambda: len(noted) > 2, "beats on this host")
        with hold.timed(Activity.READING, "a", 1):
            assert ended.wait(60)
    answer.set()
    heart.stop()


def test_nor_does_one_in_looking_at_what_goes_on(desk: Desk) -> None:
    class Unmeasured(Memory):
        def far_over(self) -> NoReturn:
            raise ValueError("never seen before")

    said: list[Said] = []
    heart = beating(desk, said.append, no_end, HASTY, memory=Unmeasured())
    with heart.hold() as hold, hold.timed(Activity.READING, "a", 1):
        wait_for(lambda: len(said) > 2, "beats after the first")
    heart.stop()


def test_what_hangs_is_ended_also_where_nobody_can_be_told_why(desk: Desk) -> None:
    def tell(why: str) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space left on device", why)

    ended = threading.Event()
    heart = beating(desk, lambda doing: None, ended.set, tell=tell)
    with heart.hold() as hold, hold.timed(Activity.READING, "a", 1):
        assert ended.wait(60)
    heart.stop()
