"""Deliveries, repeats, deaths, losses, cancelling, retrying in any order: each page counts once a generation.

Whatever happened, the end comes; what has ended never moves, and expires; nothing is held by nobody.
"""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from machine import Run, Server, chosen

from infra.status.keys import KEYS
from infra.status.states import MAX_ATTEMPTS, DocumentState, Mode, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, Commit, DocumentStep, Step, Work

FIELDS = {"tenant": "t", "priority": "normal", "source": "s", "folder": "f"}
LANE = "t:normal"
ID = "a"
PREFIX = "test:"
# By their names' patterns: the types of keys.
TYPES = {re.compile(PREFIX + key.template.replace("%s", ".*")): key.type for key in KEYS.values()}


PICKS = st.integers(0, 5)


class Queue(RuleBasedStateMachine):
    """A document's way, with everything that can go wrong between the scripts."""

    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.store = Server.store()
        self.serial = 0
        self.runs: list[Run] = []
        self.generation = 0
        self.read_before: set[int] = set()
        self._begin_generation()

    def _begin_generation(self) -> None:
        self.generation += 1
        self.firsts: dict[int, int] = {}
        self.lasts = 0
        self.begun: dict[int, int] = {}
        self.quarantined: set[int] = set()
        self.cancelled = False
        self.end_seen: dict[str, str] | None = None

    @initialize(
        target=messages,
        pages=st.integers(1, 6),
        size=st.integers(1, 3),
        bad=st.sets(st.integers(1, 6), max_size=2),
        window=st.integers(0, 3),
        in_hand=st.integers(0, 3),
        stoppable=st.booleans(),
        forgetful=st.booleans(),
    )
    def begin(
        self,
        pages: int,
        size: int,
        bad: set[int],
        window: int,
        in_hand: int,
        stoppable: bool,
        forgetful: bool,
    ) -> Any:
        """A document comes. With a window it is split, and read from, or few examples get as far."""
        self.stoppable, self.forgetful = stoppable, forgetful
        self.pages = pages
        self.bad = {page for page in bad if page <= pages}
        self.size = size
        self.store.status.open(ID, FIELDS)
        if not window:
            return split_step(ID, 1)
        self._split(split_step(ID, 1))
        works = self.store.status.release({"": window})
        for work in works:
            self._take(work, in_hand)
        return multiple(split_step(ID, 1), *works)

    def _take(self, work: Work, pages: int = 0) -> None:
        """A process takes a message, and so many pages in hand."""
        run = self._deliver(work)
        if run is not None:
            self.runs.append(run)
            for _ in range(pages):
                self._render(run)
                self._read(run)

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

    @rule(message=messages)
    def deliver(self, message: Work) -> None:
        """A message comes; it stays in the bundle, so that it may come again, however late."""
        self._take(message)

    @rule(target=messages, window=st.integers(1, 3))
    def release(self, window: int) -> Any:
        return multiple(*self.store.status.release({"": window}))

    @rule(target=messages)
    def sweep(self) -> Any:
        return multiple(*self.store.status.expire())

    @rule(target=messages)
    def reconcile(self) -> Any:
        return multiple(*self._lost())

    def _lost(self) -> list[Work]:
        lanes = self.store.fleet.lanes()
        overdue = [work for lane in lanes for work in self.store.status.overdue(lane, 0)]
        return [*overdue, *self.store.status.stuck(0)]

    @precondition(lambda self: self._living())
    @rule(pick=PICKS)
    def render(self, pick: int) -> None:
        """The next page is begun and waits."""
        self._render(chosen(self._living(), pick))

    def _render(self, run: Run) -> None:
        if run.next > run.pages.last:
            return
        page, run.next = run.next, run.next + 1
        if run.pages.mode is Mode.GIVEN_UP or run.exhausted:
            assert page in self.quarantined or run.exhausted or self.forgetful
            self._commit(run, page, PageState.FAILED)
            return
        claim, run.attempts[page] = self.store.status.begin_page(run.pages, page, run.owner)
        if claim is Claim.GO and self.store.status.park(run.pages, page, run.owner, run.attempts[page]):
            run.parked.append(page)

    @precondition(lambda self: self._living())
    @rule(pick=PICKS, count=st.integers(1, 3))
    def read(self, pick: int, count: int) -> None:
        """So many pages are read, and wait to be committed."""
        run = chosen(self._living(), pick)
        for _ in range(count):
            if not run.parked:
                self._render(run)
            self._read(run)

    def _read(self, run: Run) -> None:
        if run.parked:
            page = run.parked.pop(0)
            if self.store.status.resume(run.pages, page, run.owner, run.attempts[page]):
                assert run.pages.generation == self.generation
                self.begun[page] = self.begun.get(page, 0) + 1
                if run.pages.mode is Mode.QUARANTINE:
                    self.quarantined.add(page)
                run.reading.append(page)

    @precondition(lambda self: self._reading(dead=True))
    @rule(pick=PICKS, failed=st.booleans())
    def commit(self, pick: int, failed: bool) -> None:
        """A dead process may still commit: its last message was on the way."""
        self._settle(chosen(self._reading(dead=True), pick), failed=failed)

    def _settle(self, run: Run, *, failed: bool) -> None:
        if run.reading:
            self._commit(run, run.reading.pop(0), PageState.FAILED if failed else PageState.DONE)

    @precondition(lambda self: self._reading())
    @rule(pick=PICKS)
    def give_back(self, pick: int) -> None:
        run = chosen(self._reading(), pick)
        page = run.reading.pop()
        if self.store.status.return_page(run.pages, page, run.owner, refund=True):
            self.begun[page] -= 1

    @precondition(lambda self: self._reading())
    @rule(pick=PICKS)
    def fault(self, pick: int) -> None:
        """An error nobody expected counts as a death; it may be met when the document has ended."""
        run = chosen(self._reading(), pick)
        self.store.status.fault_page(run.pages, run.reading.pop(), run.owner, "why")

    @precondition(lambda self: self._living())
    @rule(target=messages, pick=PICKS)
    def end(self, pick: int) -> Any:
        """A run ends in order: what waits goes back, what is read is committed."""
        left = self._end(chosen(self._living(), pick))
        return left if left is not None else multiple()

    def _end(self, run: Run) -> Work | None:
        for page in run.parked:
            self.store.status.return_page(run.pages, page, run.owner, refund=False)
        for page in run.reading:
            self._commit(run, page, PageState.DONE)
        run.dead = True
        run.reading = []
        return self.store.status.end_range(run.pages, run.owner)

    @precondition(lambda self: self._living())
    @rule(pick=PICKS)
    def die(self, pick: int) -> None:
        """The process is gone; its leases run out."""
        run = chosen(self._living(), pick)
        run.dead = True
        for member, owner in self.store.client.hgetall("test:lease:owners").items():
            if owner == run.owner and isinstance(member, str):
                self.store.client.zadd("test:leases", {member: 0}, xx=True)

    @precondition(lambda self: self._reading())
    @rule()
    def cut_off(self) -> None:
        """Every lease runs out, though the processes live."""
        self._cut_off()

    def _cut_off(self) -> None:
        for member in map(str, self.store.client.zrange("test:leases", 0, -1)):
            self.store.client.zadd("test:leases", {member: 0}, xx=True)

    @precondition(lambda self: self.stoppable and not self.cancelled)
    @rule(target=messages)
    def cancel(self) -> Any:
        """Whoever cancels sends for the document to be finalized as it stands."""
        outcome, _ = self.store.status.cancel(ID)
        if outcome is not Commit.FIRST:
            return multiple()
        self.cancelled = True
        return finalize_step(ID, self.generation)

    @precondition(lambda self: self.stoppable and not self.cancelled and self._reading())
    @rule()
    def cancel_and_finalize(self) -> None:
        """The document ends while its pages are read: what happens to them comes late."""
        if self.store.status.cancel(ID)[0] is Commit.FIRST:
            self.cancelled = True
            self._deliver(finalize_step(ID, self.generation))

    @precondition(lambda self: self._terminal())
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

    @precondition(lambda self: self.forgetful)
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
        if self.stoppable:
            self._stop_under_all_hands()
        self._cut_off()
        for _ in range(40 * self.pages):
            if self._terminal():
                break
            works = [*self.store.status.release({"": 9}), *self.store.status.expire()]
            works += self._lost()
            for work in works:
                run = self._deliver(work)
                if run is not None:
                    self._work(run)
        assert self._terminal(), self.store.listing.document(ID)
        if not self.cancelled:
            assert sorted(self.firsts) == list(range(1, self.pages + 1))
            assert self.lasts == (0 if len(self.bad | self.read_before) == self.pages else 1)
        assert max(self.begun.values(), default=0) <= MAX_ATTEMPTS + self.forgetful

    def _stop_under_all_hands(self) -> None:
        """The end comes while pages are read, each of which then meets an error."""
        if not self._reading() or self.store.status.cancel(ID)[0] is not Commit.FIRST:
            return
        self.cancelled = True
        self._deliver(finalize_step(ID, self.generation))
        for run in self._reading():
            for page in run.reading:
                self.store.status.fault_page(run.pages, page, run.owner, "why")
        self.what_has_ended_expires()

    def _work(self, run: Run) -> None:
        while run.next <= run.pages.last:
            self._render(run)
            self._read(run)
            self._settle(run, failed=False)
        self._end(run)

    def _living(self) -> list[Run]:
        return [run for run in self.runs if not run.dead]

    def _reading(self, *, dead: bool = False) -> list[Run]:
        return [run for run in self.runs if run.reading and (dead or not run.dead)]

    def _terminal(self) -> bool:
        document = self.store.listing.document(ID)
        return document is not None and document.terminal


TestQueue = Queue.TestCase
TestQueue.settings = settings(
    max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
