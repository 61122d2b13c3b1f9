"""Who decides where ranges go: the fleet's own router, and what it is compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING, Protocol

from things import Range, Worker

from infra.status import Activity, Doing, Heartbeat, Placement
from infra.status.work import PageRange
from tasks.moving import plan_moves
from tasks.routing import KindOfDevice, choose_kind
from tasks.speeds import Speeds, see_kinds

if TYPE_CHECKING:
    from world import World


class Policy(Protocol):
    """Decides."""

    windowed: bool  # whether documents wait in line, a few ranges at a time in the queues

    def queue_of(self, worker: Worker) -> str:
        """Return the queue that a worker takes from."""
        ...

    def route(self, world: World, one: Range) -> str:
        """Return the queue that a range goes to."""
        ...

    def moves(self, world: World) -> list[tuple[Range, str]]:
        """Return what is to be sent elsewhere."""
        ...


class Pageline:
    """What `tasks.routing`, `tasks.speeds` and `tasks.moving` decide, told what Redis would tell them."""

    windowed = True

    def __init__(self) -> None:
        self._speeds: Speeds | None = None
        self._seen: list[KindOfDevice] = []
        self._at = float("-inf")
        self._beats: dict[str, tuple[tuple[int, int], Heartbeat]] = {}

    def queue_of(self, worker: Worker) -> str:
        """Workers of a kind share a queue."""
        return worker.kind

    def route(self, world: World, one: Range) -> str:
        """Ask the router."""
        ahead = world.in_line.get("", 0.0)
        return choose_kind(one.megapixels, one.document.wish, self._kinds(world), ahead)

    def moves(self, world: World) -> list[tuple[Range, str]]:
        """Ask what is to be moved; what wishes for a kind is told to be wished."""
        by_id = {id(one): one for one in world.out if one.holder is None and one.document.wish is None}
        if not by_id:  # what is in hand, and what was wished for, stays
            return []
        placed = sorted((_placement(one) for one in by_id.values()), key=lambda placement: placement.at)
        found = plan_moves(placed, self._kinds(world), world.in_line.get("", 0.0), world.now)
        return [(by_id[int(one.pages.document)], kind) for one, kind in found]

    def _kinds(self, world: World) -> list[KindOfDevice]:
        if self._speeds is None:  # a fleet remembers how fast its kinds were the day before
            usual = {kind: median(one.speed for one in crew) for kind, crew in world.crews().items()}
            self._speeds = Speeds(usual, {})
        if world.beaten != self._at:
            self._at = world.beaten
            beats = [self._beat(worker, world.now) for worker in world.visible()]
            self._seen = see_kinds(beats, _held(world), self._speeds, world.now)
        return [
            replace(
                kind,
                busy=min(world.busy[kind.name], kind.workers),
                waiting=max(0.0, world.waiting[kind.name]),
                held=max(0.0, world.held[kind.name]),
            )
            for kind in self._seen
        ]

    def _beat(self, worker: Worker, now: float) -> Heartbeat:
        """A worker's heartbeat, made anew only when it says something else: a day has millions."""
        task = worker.task
        page = -1 if task is None else int((now - worker.began) * task.pages / (worker.ends - worker.began))
        last = self._beats.get(worker.name)
        if last is None or last[0] != (worker.serial, page):
            last = (worker.serial, page), _heartbeat(worker, page)
            self._beats[worker.name] = last
        return last[1]


class RoundRobin:
    """Every worker has a queue of its own and gets a range in turn."""

    windowed = False

    def __init__(self) -> None:
        self._next = 0

    def queue_of(self, worker: Worker) -> str:
        """Workers have their own."""
        return worker.name

    def route(self, world: World, one: Range) -> str:
        """Give it to the next one that is seen to live, of the kind that is wished for."""
        fit = [worker for worker in world.visible() if one.document.wish in (None, worker.kind)]
        self._next += 1
        return fit[self._next % len(fit)].name

    def moves(self, world: World) -> list[tuple[Range, str]]:
        """What a dead worker has waiting goes to the others; nothing else is moved."""
        alive = {worker.name for worker in world.visible()}
        return [(one, self.route(world, one)) for one in _deserted(world, alive)]


class _ByKind(ABC):
    """Workers of a kind share a queue; what a dead kind has waiting is dealt out again."""

    windowed = False

    def queue_of(self, worker: Worker) -> str:
        """Workers of a kind share one."""
        return worker.kind

    @abstractmethod
    def route(self, world: World, one: Range) -> str:
        """Return the queue that a range goes to."""

    def moves(self, world: World) -> list[tuple[Range, str]]:
        """Return what waits for a kind that nobody is seen of."""
        alive = {worker.kind for worker in world.visible()}
        return [(one, self.route(world, one)) for one in _deserted(world, alive) if one.document.wish is None]


class RoundRobinOfKinds(_ByKind):
    """Kinds get a range in turn."""

    def __init__(self) -> None:
        self._turns: Iterator[int] = cycle(range(1 << 30))

    def route(self, world: World, one: Range) -> str:
        """Return the next kind."""
        kinds = sorted({worker.kind for worker in world.visible()})
        return one.document.wish or kinds[next(self._turns) % len(kinds)]


class Static(_ByKind):
    """Each document goes to one kind, by shares that fit what the kinds were at the start."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()
        self._of: dict[int, str] = {}

    def route(self, world: World, one: Range) -> str:
        """Return the kind of the document: the one that is furthest behind its share."""
        key = id(one.document)
        alive = sorted({worker.kind for worker in world.visible()})
        if self._of.get(key) not in alive:
            wish, total = one.document.wish, sum(world.nominal.values())
            behind = {kind: self._given[kind] * total / world.nominal[kind] for kind in alive}
            self._of[key] = wish or min(behind, key=lambda kind: behind[kind])
            self._given[self._of[key]] += int(one.document.size * 1000)
        return self._of[key]


POLICIES: dict[str, type[Pageline | RoundRobin | RoundRobinOfKinds | Static]] = {
    "pageline": Pageline,
    "static": Static,
    "round-robin of kinds": RoundRobinOfKinds,
    "round-robin": RoundRobin,
}


def _deserted(world: World, alive: AbstractSet[str]) -> list[Range]:
    """Return what waits in queues of the dead; what was moved out of one has left its message there."""
    found = (
        one
        for queue, waiting in world.queues.items()
        if waiting and queue not in alive
        for one in waiting
        if one.kind == queue and one.holder is None and not one.over
    )
    return list(dict.fromkeys(found))  # one that has been there before has two messages


def _held(world: World) -> list[Placement]:
    """Return what workers have in hand."""
    return [_placement(one) for one in world.out if one.holder is not None]


def _placement(one: Range) -> Placement:
    pages = PageRange(str(id(one)), 1, 1, one.pages)
    wished, held = one.document.wish is not None, one.holder is not None
    return Placement(pages, one.kind, one.megapixels, one.sent, wished, held)


def _heartbeat(worker: Worker, page: int) -> Heartbeat:
    """What a worker would say of itself while it is at a page of its range, counted from 0."""
    doing: tuple[Doing, ...] = ()
    task = worker.task
    if task is not None:
        since = worker.began + page * (worker.ends - worker.began) / task.pages
        doing = (Doing.model_construct(activity=Activity.READING, document="d", page=1, since=since),)
    speed = worker.measured
    return Heartbeat.model_construct(
        name=worker.name,
        kind=worker.kind,
        state="busy" if task is not None else "idle",
        at_once=1,
        pages_per_second=speed.pages_per_second,
        megapixels_per_second=speed.megapixels_per_second,
        measured=None,
        doing=doing,
    )
