"""How tenants and priorities share the workers: what is released, in which order, what waits for a quota."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping

import pytest

from infra.settings import Quota
from infra.status import Store
from infra.status.states import DocumentState, PageState, Priority
from infra.status.status import finalize_step, split_step
from infra.status.work import Announcement, DocumentStep, PageRange, Work

ME = "w1#10#1"
QUEUES = ("high", "normal", "bulk")


def opened(store: Store, document: str, tenant: str, priority: str = "normal", device: str = "") -> None:
    fields = {"tenant": tenant, "priority": priority, "device": device, "source": "s", "folder": document}
    store.status.open(document, fields)


def split(
    store: Store,
    document: str,
    tenant: str,
    pages: int = 100,
    *,
    priority: str = "normal",
    device: str = "",
) -> None:
    """A document whose pages wait to be read, each in a range of its own."""
    opened(store, document, tenant, priority, device)
    record_split(store, document, pages)


def record_split(store: Store, document: str, pages: int = 100) -> None:
    step = split_step(document, 1)
    store.status.claim(step, ME)
    states = [PageState.PENDING] * pages
    store.status.split_done(step, ME, pages=states, firsts=range(1, pages + 1), reasons={}, fields={})
    store.status.let_go(step, ME, refund=False)


def end(store: Store, document: str) -> None:
    store.status.cancel(document)
    store.status.finish(document, 1, DocumentState.CANCELLED, None)


class Workers:
    """Workers that take ranges as Celery has them: queues in turn, first come first served in each."""

    def __init__(self, store: Store, count: int, window: int = 2) -> None:
        self._store = store
        self._window = count * window
        self._queues: dict[str, deque[PageRange]] = {name: deque() for name in QUEUES}
        self._turns = [deque(QUEUES) for _ in range(count)]
        self.busy: list[PageRange | None] = [None] * count
        self.begun: list[str] = []

    def release(self) -> None:
        for work in self._store.status.release({"": self._window}):
            assert isinstance(work, PageRange)
            document = self._store.listing.document(work.document)
            assert document is not None
            self._queues[document.priority].append(work)

    def begin(self) -> None:
        """All who are idle take something."""
        for number, turns in enumerate(self._turns):
            name = next((name for name in turns if self._queues[name]), None)
            if self.busy[number] is None and name is not None:
                turns.remove(name)
                turns.append(name)
                work = self._queues[name].popleft()
                self._store.status.begin_range(work, ME)
                self.busy[number] = work
                self.begun.append(work.document)

    def finish(self, number: int) -> None:
        """One is done, and takes the next."""
        work = self.busy[number]
        if work is not None:
            self._store.status.commit_page(work.document, 1, work.first, PageState.DONE)
            self._store.status.end_range(work, ME)
            self.busy[number] = None
        self.release()
        self.begin()

    def run(self, rounds: int) -> None:
        """So many times, each of them ends a range."""
        self.release()
        self.begin()
        for _ in range(rounds):
            for number in range(len(self.busy)):
                assert None not in self.busy, "a worker idles while there is work"
                self.finish(number)


@pytest.mark.parametrize("count", [1, 2, 4, 16])
def test_what_one_tenant_has_in_line_delays_another_by_less_than_two_range_times(
    store: Store, count: int
) -> None:
    split(store, "a", "a", pages=1000)
    workers = Workers(store, count)
    workers.run(3)
    split(store, "b", "b", pages=1)
    before = len(workers.begun)
    workers.release()
    for number in range(count):
        workers.finish(number)
    for number in range(count):
        if "b" not in workers.begun:
            workers.finish(number)
    # One range time is what each worker needs for the range that it has in hand, another for one more.
    assert workers.begun[before:].count("a") < 2 * count
    assert "b" in workers.begun


@pytest.mark.parametrize(("count", "tenants"), [(1, 2), (2, 3), (4, 3), (2, 9)])
def test_tenants_share_alike_and_nobody_idles(store: Store, count: int, tenants: int) -> None:
    for number in range(tenants):
        split(store, f"d{number}", f"t{number}", pages=500)
    workers = Workers(store, count)
    workers.run(60)
    shares = Counter(workers.begun)
    assert len(shares) == tenants
    assert max(shares.values()) - min(shares.values()) <= 2


def test_tenants_that_have_little_leave_their_share_to_the_others(store: Store) -> None:
    split(store, "a", "a", pages=1000)
    for number in range(5):
        split(store, f"d{number}", f"t{number}", pages=1)
    workers = Workers(store, 16)
    workers.run(2)  # and nobody idles


def test_a_priority_has_its_share_however_many_wait_in_another(store: Store) -> None:
    split(store, "high", "x", pages=500, priority="high")
    for number in range(10):
        split(store, f"bulk{number}", f"t{number}", pages=500, priority="bulk")
    workers = Workers(store, 4)
    workers.run(50)
    high = workers.begun.count("high")
    assert 0.4 < high / len(workers.begun) < 0.6


@pytest.mark.parametrize("count", [1, 3])
def test_three_priorities_of_one_tenant_are_served_alike(store: Store, count: int) -> None:
    for priority in Priority:
        split(store, priority, "t", pages=500, priority=priority)
    workers = Workers(store, count)
    workers.run(60)
    shares = Counter(workers.begun)
    assert max(shares.values()) - min(shares.values()) <= 3


def test_what_is_delayed_takes_no_workers_from_others_and_no_more_from_its_line(store: Store) -> None:
    split(store, "a", "a", pages=100)
    for work in store.status.release({"": 4}):
        store.status.postpone(work, 600)
    assert store.status.release({"": 4}) == []
    split(store, "b", "b", pages=100)
    assert len(store.status.release({"": 4})) == 4


def test_a_wish_for_the_only_kind_there_is_makes_no_window_of_its_own(store: Store) -> None:
    split(store, "a", "a", device="cpu")
    split(store, "b", "a")
    assert len(store.status.release({"": 4, "cpu": 4}, same="cpu")) == 4
    assert len(store.status.release({"": 4, "cpu": 4})) == 4  # with another kind beside it


def steps(works: list[Work]) -> list[str]:
    return [work.document for work in works if isinstance(work, DocumentStep)]


def received(store: Store, tenant: str, count: int) -> Iterator[DocumentStep]:
    for number in range(count):
        opened(store, f"{tenant}{number}", tenant)
        yield split_step(f"{tenant}{number}", 1)


def test_one_tenants_documents_wait_to_be_split_in_a_line_of_their_own(store: Store) -> None:
    for step in received(store, "a", 50):
        assert store.status.line_up(step) == []
    assert steps(store.status.release({"split": 2})) == ["a0", "a1"]
    (step,) = received(store, "b", 1)
    store.status.line_up(step)
    assert steps(store.status.release({"split": 2})) == ["b0"]
    store.status.over(step)
    assert steps(store.status.release({"split": 2})) == []
    record_split(store, "a0")
    store.status.over(split_step("a0", 1))
    assert steps(store.status.release({"split": 2})) == ["a2"]


def test_a_step_that_is_out_is_sent_again_when_it_is_asked_for_and_nobody_has_it(store: Store) -> None:
    (step,) = received(store, "a", 1)
    store.status.line_up(step)
    assert store.status.release({}) == [step]
    assert store.status.line_up(step) == [step]  # its message may have been lost
    store.status.claim(step, ME)
    assert store.status.line_up(step) == []
    store.status.let_go(step, ME, refund=True)
    store.status.postpone(step, 600)
    assert store.status.line_up(step) == []
    assert store.status.stuck(0) == []


def test_who_is_not_where_a_step_fits_is_passed_over(store: Store) -> None:
    for step in received(store, "a", 3):
        store.status.line_up(step)
    store.status.cancel("a0")  # leaves its line
    assert store.client.zcard("test:waiting:a:normal:split") == 2
    store.client.hset("test:doc:a1", "state", "processing")
    assert steps(store.status.release({"split": 2})) == ["a2"]
    store.status.line_up(finalize_step("a0", 1))
    assert store.status.release({}) == [finalize_step("a0", 1)]
    store.status.finish("a0", 1, DocumentState.CANCELLED, None)
    store.status.over(finalize_step("a0", 1))
    assert store.client.zcard("test:released:a:normal:finalize") == 0


def test_a_document_that_waits_in_line_is_not_stuck_and_one_that_fell_out_is(store: Store) -> None:
    first, second = received(store, "a", 2)
    store.status.line_up(first)
    store.client.delete("test:turns")
    assert store.status.stuck(0) == [second]
    assert store.status.release({"split": 2}) == [first]  # its lane is known again


def test_announcements_lost_on_the_way_are_sent_again_until_they_are_over(store: Store) -> None:
    told = Announcement.of({"tenant": "a", "source": "s", "key": "k"})
    store.client.zadd("test:waiting:a::ingest", {told.member: 1})
    store.client.zadd("test:turns", {told.lane: 0})
    assert store.status.release({}) == [told]
    assert store.status.overdue(told.lane, 60) == []
    assert store.status.overdue(told.lane, 0) == [told]
    store.status.postpone(told, 600)
    assert store.status.overdue(told.lane, 0) == []
    store.status.over(told)
    assert store.status.release({}) == []
    assert store.fleet.lanes() == []


def test_steps_of_documents_that_are_gone_leave_the_window(store: Store) -> None:
    (step,) = received(store, "a", 1)
    store.status.line_up(step)
    store.status.release({})
    store.client.delete("test:doc:a0")
    assert store.status.overdue("a:normal:split", 0) == []
    assert store.client.zcard("test:released:a:normal:split") == 0


def admitted(store: Store, quotas: Mapping[str, Quota]) -> list[str]:
    return steps(store.status.release({"split": 9}, quotas=quotas))


@pytest.mark.parametrize("named", ["a", "*"])
def test_documents_above_the_quota_wait_and_say_so(store: Store, named: str) -> None:
    quotas = {named: Quota(documents=2)}
    for step in received(store, "a", 4):
        store.status.line_up(step)
    assert admitted(store, quotas) == ["a0", "a1"]
    for document in ("a0", "a1"):
        record_split(store, document)
        store.status.over(split_step(document, 1))
    assert admitted(store, quotas) == []
    reasons = {one.id: one.reason for one in store.listing.recent()}
    why = "It waits for the tenant's quota of 2 documents in work."
    assert reasons == {"a0": None, "a1": None, "a2": why, "a3": why}
    (tenant,) = store.listing.tenants(["a"])
    assert (tenant.documents, tenant.pages, tenant.waiting, tenant.reason) == (2, 200, 2, why)
    end(store, "a0")
    assert admitted(store, quotas) == ["a2"]
    end(store, "a1")
    assert admitted(store, quotas) == ["a3"]
    assert {one.reason for one in store.listing.recent()} == {None}


def test_no_document_is_begun_while_as_many_pages_are_in_flight_as_may_be(store: Store) -> None:
    quotas = {"a": Quota(pages=100)}
    (first, *others) = received(store, "a", 3)
    store.status.line_up(first)
    assert admitted(store, quotas) == ["a0"]
    record_split(store, "a0", pages=150)
    store.status.over(first)
    for step in others:
        store.status.line_up(step)
    assert admitted(store, quotas) == []
    found = store.listing.document("a1")
    assert found is not None
    assert found.reason == "It waits for the tenant's quota of 100 pages in work."
    end(store, "a0")
    assert admitted(store, quotas) == ["a1", "a2"]


def test_a_quota_of_nothing_limits_nothing_and_one_tenants_holds_nobody_else(store: Store) -> None:
    quotas = {"a": Quota(documents=1), "b": Quota()}
    for tenant in "abc":
        for step in received(store, tenant, 3):
            store.status.line_up(step)
    assert Counter(document[0] for document in admitted(store, quotas)) == {"a": 1, "b": 3, "c": 3}


def test_documents_that_are_forgotten_are_in_flight_no_longer(store: Store) -> None:
    quotas = {"*": Quota(documents=1)}
    for step in received(store, "a", 2):
        store.status.line_up(step)
    assert admitted(store, quotas) == ["a0"]
    store.client.delete("test:doc:a0")
    assert admitted(store, quotas) == []
    assert store.status.recount(["a", "b"]) == 1
    assert admitted(store, quotas) == ["a1"]


def test_the_latest_documents_of_one_tenant(store: Store) -> None:
    for number in range(6):
        opened(store, f"d{number}", "ab"[number % 2])
    assert [one.id for one in store.listing.recent(2, "a")] == ["d4", "d2"]
    assert [one.id for one in store.listing.recent(9, "b")] == ["d5", "d3", "d1"]
    assert store.listing.recent(9, "c") == []
