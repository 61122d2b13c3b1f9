"""How pages go on when processes die, hand back or come late."""

from __future__ import annotations

import json

import pytest

from infra.status import Store
from infra.status.states import DocumentState, Mode, PageState
from infra.status.status import finalize_step, owner_name, split_step
from infra.status.work import Claim, Commit, PageRange, Work

FIELDS = {"tenant": "default", "priority": "normal", "source": "s", "folder": "f"}
LANE = "default:normal"
OLD, NEW, OTHER = owner_name("w1", 10, 1), owner_name("w1", 11, 1), owner_name("w2", 20, 1)
WHOLE = PageRange("a", 1, 1, 4)


@pytest.fixture
def out(store: Store) -> Store:
    """A document of four pages in one released range, which a process has begun."""
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), OLD)
    store.status.split_done(
        split_step("a", 1), OLD, pages=[PageState.PENDING] * 4, firsts=[1], reasons={}, fields={}
    )
    assert store.status.release({"": 5}) == [WHOLE]
    assert store.status.begin_range(WHOLE, OLD) is Claim.GO
    return store


def alone(page: int, mode: Mode) -> PageRange:
    return PageRange("a", 1, page, page, mode)


def die(store: Store) -> list[Work]:
    """What the sweep finds to send after every process died."""
    for member in map(str, store.client.zrange("test:leases", 0, -1)):
        store.client.zadd("test:leases", {member: 0}, xx=True)
    return store.status.expire()


def states(store: Store) -> str:
    return "".join(page.value for page in store.listing.pages("a"))


def test_a_page_in_dead_hands_goes_alone_then_to_quarantine_then_is_given_up(out: Store) -> None:
    assert out.status.begin_page(WHOLE, 2, OLD) == (Claim.GO, 1)
    assert set(die(out)) == {WHOLE, alone(2, Mode.ALONE)}
    assert states(out) == "papp"
    for attempt, mode, then in ((2, Mode.ALONE, Mode.QUARANTINE), (3, Mode.QUARANTINE, Mode.GIVEN_UP)):
        assert out.status.begin_range(alone(2, mode), OLD) is Claim.GO
        assert out.status.begin_page(alone(2, mode), 2, OLD) == (Claim.GO, attempt)
        assert alone(2, then) in die(out)
        assert out.status.begin_range(alone(2, mode), OLD) is Claim.GONE
    assert out.status.begin_range(alone(2, Mode.GIVEN_UP), OLD) is Claim.GO
    assert out.status.commit_page("a", 1, 2, PageState.FAILED, "three deaths") is Commit.FIRST
    assert out.status.end_range(alone(2, Mode.GIVEN_UP), OLD) is None
    assert states(out) == "pfpp"


def test_the_rest_of_the_range_goes_on_without_the_page_set_aside(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    die(out)
    assert out.status.begin_range(WHOLE, OTHER) is Claim.GO
    assert out.status.begin_page(WHOLE, 1, OTHER)[0] is Claim.HELD
    for page in (2, 3, 4):
        assert out.status.begin_page(WHOLE, page, OTHER)[0] is Claim.GO
        out.status.commit_page("a", 1, page, PageState.DONE)
    assert out.status.end_range(WHOLE, OTHER) is None
    assert states(out) == "addd"


def test_a_page_rendered_ahead_is_not_charged(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    out.status.begin_page(WHOLE, 2, OLD)
    assert out.status.park(WHOLE, 2, OLD, 1)
    assert set(die(out)) == {WHOLE, alone(1, Mode.ALONE)}
    assert states(out) == "appp"
    out.status.begin_range(WHOLE, OTHER)
    assert out.status.begin_page(WHOLE, 2, OTHER) == (Claim.GO, 1)


def test_a_parked_page_whose_work_goes_on_is_charged_again(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    out.status.park(WHOLE, 1, OLD, 1)
    assert out.status.resume(WHOLE, 1, OLD, 1)
    assert alone(1, Mode.ALONE) in die(out)
    assert not out.status.resume(WHOLE, 1, OLD, 1)


def test_what_was_said_of_a_page_in_hand_may_be_lost_or_said_twice(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    for _ in range(2):
        assert out.status.resume(WHOLE, 1, OLD, 1)  # it was never parked
    for _ in range(2):
        assert out.status.park(WHOLE, 1, OLD, 1)
    assert die(out) == [WHOLE]
    assert states(out) == "pppp"


def test_a_fault_after_the_documents_end_leaves_nothing_behind(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    out.status.cancel("a")
    out.status.finish("a", 1, DocumentState.CANCELLED, None)
    assert not out.status.fault_page(WHOLE, 1, OLD, "ZeroDivisionError")
    assert not out.client.exists("test:doc:a:reasons")
    assert out.client.zscore("test:leases", WHOLE.page_lease(1)) is None


def test_a_step_given_back_late_makes_no_document(store: Store) -> None:
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), OLD)
    store.client.delete("test:doc:a")
    assert store.status.let_go(split_step("a", 1), OLD, refund=True)
    assert not store.client.exists("test:doc:a")


def test_a_second_copy_of_a_message_meets_the_lease(out: Store) -> None:
    assert out.status.begin_range(WHOLE, OTHER) is Claim.HELD
    out.status.begin_page(WHOLE, 1, OLD)
    assert out.status.begin_page(WHOLE, 1, OTHER)[0] is Claim.HELD


def test_a_message_for_a_range_that_is_no_longer_released_is_gone(out: Store) -> None:
    for page in (1, 2, 3, 4):
        out.status.begin_page(WHOLE, page, OLD)
        out.status.commit_page("a", 1, page, PageState.DONE)
    assert out.status.begin_range(WHOLE, OTHER) is Claim.GONE
    assert out.status.begin_range(PageRange("a", 1, 2, 3), OTHER) is Claim.GONE
    assert out.status.begin_range(PageRange("a", 7, 1, 4), OTHER) is Claim.GONE


def test_what_is_left_of_a_range_is_handed_back(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    out.status.commit_page("a", 1, 1, PageState.DONE)
    out.status.begin_page(WHOLE, 2, OLD)
    assert out.status.return_page(WHOLE, 2, OLD, refund=True)
    left = out.status.end_range(WHOLE, OLD)
    assert left == PageRange("a", 1, 2, 4)
    assert out.status.begin_range(left, OTHER) is Claim.GO
    assert out.status.begin_page(left, 2, OTHER) == (Claim.GO, 1)


def test_a_page_read_alone_that_is_handed_back_stays_aside(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    die(out)
    mine = alone(1, Mode.ALONE)
    out.status.begin_range(mine, OLD)
    out.status.begin_page(mine, 1, OLD)
    out.status.return_page(mine, 1, OLD, refund=True)
    assert states(out)[0] == "a"
    assert out.status.end_range(mine, OLD) == mine
    out.status.begin_range(mine, OTHER)
    assert out.status.begin_page(mine, 1, OTHER) == (Claim.GO, 2)


@pytest.mark.parametrize(("mode", "then"), [(Mode.ALONE, Mode.QUARANTINE), (Mode.QUARANTINE, Mode.GIVEN_UP)])
def test_a_range_that_ends_after_the_sweep_has_decided_sends_its_page_no_more(
    out: Store, mode: Mode, then: Mode
) -> None:
    """Else the page would be read once more as before, and its next step be taken for old."""
    out.status.begin_page(WHOLE, 1, OLD)
    die(out)
    for step in (Mode.ALONE, Mode.QUARANTINE):
        mine = alone(1, step)
        out.status.begin_range(mine, OLD)
        out.status.begin_page(mine, 1, OLD)
        out.status.fault_page(mine, 1, OLD, "ZeroDivisionError")
        decided = out.status.expire()
        assert out.status.end_range(mine, OLD) is None
        if step is mode:
            break
    assert decided == [alone(1, then)]
    assert out.status.begin_range(alone(1, then), OTHER) is Claim.GO


def test_nobody_is_dead_who_could_not_renew(out: Store) -> None:
    """Redis was away, as a pause between two sweeps tells: the living have some time after it."""
    out.status.begin_page(WHOLE, 1, OLD)
    out.status.begin_page(WHOLE, 2, OTHER)
    assert out.status.expire() == []
    out.client.hset("test:swept", "at", 1)
    expired = {WHOLE.lease: 1, WHOLE.page_lease(1): 1}
    out.client.zadd("test:leases", expired, xx=True)
    assert out.status.forfeit("w2", 21) == 1  # that one is known to be dead
    assert out.status.expire() == [alone(2, Mode.ALONE)]
    assert out.status.renew(OLD, [WHOLE.lease]) == []
    out.client.hset("test:swept", "calm", 0)  # the time is over
    assert out.status.expire() == [alone(1, Mode.ALONE)]


def test_a_late_commit_counts_and_its_second_reading_finds_nothing_to_do(out: Store) -> None:
    out.status.begin_page(WHOLE, 3, OLD)
    die(out)
    assert out.status.commit_page("a", 1, 3, PageState.DONE) is Commit.FIRST
    mine = alone(3, Mode.ALONE)
    assert out.status.begin_range(mine, OTHER) is Claim.GO
    assert out.status.begin_page(mine, 3, OTHER)[0] is Claim.SETTLED
    assert out.status.end_range(mine, OTHER) is None


def test_a_fault_counts_as_a_death_and_keeps_its_reason(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    assert out.status.fault_page(WHOLE, 1, OLD, "ZeroDivisionError")
    assert out.status.expire() == [alone(1, Mode.ALONE)]
    assert out.listing.reasons("a") == {1: "ZeroDivisionError"}
    assert not out.status.fault_page(WHOLE, 1, OLD, "again")
    out.status.commit_page("a", 1, 1, PageState.DONE)
    assert out.listing.reasons("a") == {}


def test_leases_are_renewed_for_their_owner_alone(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    names = [WHOLE.lease, WHOLE.page_lease(1)]
    for name in names:
        out.client.zadd("test:leases", {name: 0}, xx=True)
    assert out.status.renew(OTHER, names) == names
    assert out.status.renew(OLD, names) == []
    assert out.status.expire() == []


def test_a_process_forfeits_what_its_predecessor_in_the_same_worker_held(out: Store) -> None:
    out.status.begin_page(WHOLE, 1, OLD)
    assert out.status.forfeit("w2", 20) == 0
    assert out.status.forfeit("w", 1) == 0
    assert out.status.forfeit("w1", 11) == 2
    assert set(out.status.expire()) == {WHOLE, alone(1, Mode.ALONE)}
    out.status.begin_range(WHOLE, NEW)
    assert out.status.forfeit("w1", 11) == 0


def test_a_range_whose_message_was_lost_is_found_overdue(out: Store) -> None:
    assert out.status.overdue(LANE, 0) == []  # it is leased
    out.status.end_range(WHOLE, OLD)
    assert out.status.overdue(LANE, 60) == []
    assert out.status.overdue(LANE, 0) == [WHOLE]


def test_a_range_of_a_document_that_has_ended_leaves_the_window(out: Store) -> None:
    out.status.finish("a", 1, DocumentState.CANCELLED, None)
    assert out.status.overdue(LANE, 0) == []
    assert out.client.zcard(f"test:released:{LANE}") == 0


def test_a_step_whose_message_was_lost_is_found_overdue_however_many_wait(store: Store) -> None:
    """What was sent is few; whoever looked through all documents at work would find it late."""
    store.status.open("a", FIELDS)
    step = split_step("a", 1)
    store.status.line_up(step)
    assert store.status.release({"split": 1}) == [step]
    assert store.status.overdue(f"{LANE}:split", 60) == []
    assert store.status.overdue(f"{LANE}:split", 0) == [step]
    store.status.claim(step, OLD)
    assert store.status.overdue(f"{LANE}:split", 0) == []


@pytest.mark.parametrize("lost", ["message", "lease"])
def test_a_step_that_never_came_back_is_sent_again(store: Store, lost: str) -> None:
    store.status.open("a", FIELDS)
    if lost == "lease":
        store.status.claim(split_step("a", 1), OLD)
        assert store.status.stuck(0) == []
        store.client.delete("test:leases")
    assert store.status.stuck(0) == [split_step("a", 1)]
    assert store.status.stuck(60) == []


def test_a_document_that_waits_for_its_finalizing_is_sent_again(out: Store) -> None:
    for page in (1, 2, 3, 4):
        out.status.commit_page("a", 1, page, PageState.DONE)
    assert out.status.stuck(0) == [finalize_step("a", 1)]


def test_pages_whose_release_was_forgotten_are_released_again(out: Store) -> None:
    out.status.commit_page("a", 1, 2, PageState.DONE)
    out.status.begin_page(WHOLE, 3, OLD)
    out.client.delete("test:leases", "test:lease:owners", f"test:released:{LANE}")
    out.client.hset("test:doc:a", "out", 0)
    assert out.status.stuck(0) == [PageRange("a", 1, 1, 1), PageRange("a", 1, 3, 4)]
    assert states(out) == "pdpp"


def test_a_document_that_fell_out_of_line_gets_in_line_again(store: Store) -> None:
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), OLD)
    store.status.split_done(
        split_step("a", 1), OLD, pages=[PageState.PENDING] * 2, firsts=[1, 2], reasons={}, fields={}
    )
    store.client.delete(f"test:line:{LANE}", "test:turns")
    assert store.status.stuck(0) == []
    assert store.status.stuck(0) == []
    assert store.client.lrange(f"test:line:{LANE}", 0, -1) == ["a"]
    assert store.fleet.lanes() == [LANE]


def test_a_page_that_is_likely_to_end_the_next_process_too_is_put_aside(out: Store) -> None:
    """Where another process starts in place of the dead one, or where two have died."""
    begun = [out.status.begin_page(WHOLE, number, OLD) for number in (1, 2)]
    assert [claim for claim, _ in begun] == [Claim.GO] * 2
    assert out.status.park(WHOLE, 2, OLD, 1)  # it only waits
    assert out.status.forfeit("w1", 11) == 3
    assert out.status.expire(60) == [WHOLE]
    assert states(out) == "appp"
    assert out.fleet.due() == []
    (text,) = map(str, out.client.zrange("test:delayed", 0, -1))
    assert json.loads(text) == {"tries": 0, "work": alone(1, Mode.ALONE).member}
    assert text == json.dumps(json.loads(text), sort_keys=True)  # as whoever delays it once more writes it
    assert out.status.overdue(LANE, -30) == [WHOLE]  # it waits for its time
    assert out.status.begin_range(alone(1, Mode.ALONE), NEW) is Claim.GO
    assert out.status.begin_page(alone(1, Mode.ALONE), 1, NEW) == (Claim.GO, 2)
    for member in map(str, out.client.zrange("test:leases", 0, -1)):
        out.client.zadd("test:leases", {member: 0}, xx=True)  # nobody says so: its lease runs out
    out.status.expire(60)
    waiting = [json.loads(str(one))["work"] for one in out.client.zrange("test:delayed", 0, -1)]
    assert alone(1, Mode.QUARANTINE).member in waiting


def test_a_page_of_a_worker_that_is_gone_goes_again_at_once(out: Store) -> None:
    assert out.status.begin_page(WHOLE, 2, OLD)[0] is Claim.GO
    for member in map(str, out.client.zrange("test:leases", 0, -1)):
        out.client.zadd("test:leases", {member: 0}, xx=True)
    assert set(out.status.expire(60)) == {WHOLE, alone(2, Mode.ALONE)}


def test_nobody_takes_over_what_the_sweep_leaves_alone(out: Store) -> None:
    out.status.expire()
    out.client.hset("test:swept", "at", 1)
    out.client.zadd("test:leases", {WHOLE.lease: 1}, xx=True)
    assert out.status.expire() == []
    assert out.status.begin_range(WHOLE, OTHER) is Claim.HELD
    assert out.status.overdue(LANE, -1) == []
    assert out.status.renew(OLD, [WHOLE.lease]) == []


def test_who_sweeps_seldom_finds_the_dead_all_the_same(out: Store) -> None:
    out.status.expire()
    out.client.zadd("test:leases", {WHOLE.lease: 1}, xx=True)
    found = []
    for _ in range(7):
        out.client.hset("test:swept", mapping={"at": 1, "calm": 2_000_000_000_000})  # and clocks go wrong
        found += out.status.expire()
    assert found == [WHOLE]
