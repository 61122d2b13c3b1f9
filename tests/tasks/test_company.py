"""Ranges of other documents beside the one delivered: which are taken, how many, and when no more."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from crew import wait_for

from infra.errors import BrokerUnavailable
from tasks.company import in_company
from tasks.context import Context
from tasks.laps import Laps


@dataclass
class Device:
    pages_at_once: int = 4


@dataclass
class Limits:
    exceeded: bool = False


@dataclass
class Desk:
    """What company asks of a context, with a queue of arguments, and a reader that waits where told to."""

    queue: deque[list[Any]] = field(default_factory=deque)
    pipeline: Device = field(default_factory=Device)
    memory: Limits = field(default_factory=Limits)
    drain: bool = False
    held: dict[str, threading.Event] = field(default_factory=dict)
    now: set[str] = field(default_factory=set)
    most: int = 0
    over: list[str] = field(default_factory=list)

    def draining(self) -> bool:
        return self.drain

    def take(self) -> list[Any] | None:
        return self.queue.popleft() if self.queue else None

    def read(self, document: str, *_: Any) -> None:
        self.now.add(document)
        self.most = max(self.most, len(self.now))
        if document in self.held:
            assert self.held[document].wait(60)
        if document == "broken":
            raise BrokerUnavailable("Redis is gone")
        self.now.discard(document)
        self.over.append(document)

    def hold(self, *documents: str) -> None:
        self.held |= {document: threading.Event() for document in documents}

    def run(self, first: list[Any]) -> threading.Thread:
        thread = threading.Thread(target=in_company, args=(cast("Context", self), self.read, first))
        thread.start()
        return thread


def message(document: str, *, pages: int = 1, mode: str = "normal") -> list[Any]:
    return [document, 1, 1, pages, mode, 0]


def test_others_are_read_beside_the_first_up_to_what_the_device_takes() -> None:
    desk = Desk(deque(message(f"d{number}") for number in range(20)))
    names = ["first", *(f"d{number}" for number in range(20))]
    desk.hold(*names)
    thread = desk.run(message("first"))
    wait_for(lambda: len(desk.now) == 8, "eight pages in hand: twice what is read side by side")
    for name in names:
        desk.held[name].set()
    thread.join(60)
    assert desk.over.count("first") == 1
    assert sorted([*desk.over, *(row[0] for row in desk.queue)]) == sorted(names)  # the rest is others' work
    assert desk.most == 8


def test_a_long_range_needs_no_company() -> None:
    desk = Desk(deque([message("other")]))
    desk.hold("first")
    thread = desk.run(message("first", pages=8))
    wait_for(lambda: desk.now, "the first is read")
    desk.held["first"].set()
    thread.join(60)
    assert (desk.over, len(desk.queue)) == (["first"], 1)


def test_one_that_is_to_be_read_alone_waits_for_the_others() -> None:
    desk = Desk(deque([message("d1"), message("poison", mode="alone"), message("d2")]))
    desk.hold("first", "d1")
    thread = desk.run(message("first"))
    wait_for(lambda: len(desk.queue) == 1, "the one that is to be alone is taken")
    assert desk.now <= {"first", "d1"}
    desk.held["first"].set()
    desk.held["d1"].set()
    thread.join(60)
    assert desk.over[-1] == "poison"
    assert [row[0] for row in desk.queue] == ["d2"]  # for the next message: no more is taken after such a one


@pytest.mark.parametrize("mode", ["alone", "quarantine", "given_up"])
def test_what_is_to_be_read_alone_has_no_company(mode: str) -> None:
    desk = Desk(deque([message("other")]))
    desk.run(message("first", mode=mode)).join(60)
    assert (desk.over, len(desk.queue)) == (["first"], 1)


def test_a_device_that_takes_pages_one_by_one_has_no_company() -> None:
    desk = Desk(deque([message("other")]), Device(pages_at_once=1))
    desk.run(message("first")).join(60)
    assert (desk.over, len(desk.queue)) == (["first"], 1)


@pytest.mark.parametrize("why", ["drain", "memory"])
def test_no_more_is_taken_by_a_process_that_is_to_end(why: str) -> None:
    desk = Desk(deque([message("other")]))
    desk.drain, desk.memory.exceeded = why == "drain", why == "memory"
    desk.run(message("first")).join(60)
    assert (desk.over, len(desk.queue)) == (["first"], 1)


def test_one_that_fails_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(deque([message("broken"), message("d1")]))
    desk.hold("first")
    thread = desk.run(message("first"))
    wait_for(lambda: "d1" in desk.over, "the one behind it is read")
    desk.held["first"].set()
    thread.join(60)
    assert sorted(desk.over) == ["d1", "first"]
    assert "Redis is gone" in caplog.text


def test_the_seconds_of_a_busy_process_are_shared_among_its_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 12.0, 13.0, 30.0])
    monkeypatch.setattr("tasks.laps.time.monotonic", lambda: next(now))
    laps = Laps()
    assert [laps.lap(begun) for begun in (5.0, 11.0, 2.0, 29.5)] == [5.0, 1.0, 1.0, 0.5]
