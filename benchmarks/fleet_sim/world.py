"""A fleet in simulated time: what Redis, Celery and workers do, in the times of the settings' defaults.

Documents wait in line; a window of ranges is in the queues; a worker takes from its queue, and ends a
range. One that vanishes is seen to live until its heartbeat expires, what it has in hand is sent again when
the lease does, and the sweep moves what waits. Messages are hints, as in the fleet: one that is met when
its range is in hand or over is dropped.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence

from policies import Policy
from things import Document, Range, Worker

from tasks.routing import windows_of

HEARTBEAT, BEATS, LEASE, SWEEP = 3.0, 3, 10.0, 1.0
WINDOW = 2  # messages per worker
_OVERHEAD = 0.03  # seconds that a range takes besides its pages


class World:
    """One run."""

    def __init__(self, workers: Sequence[Worker], documents: Sequence[Document], policy: Policy) -> None:
        self.now = 0.0
        self.beaten = 0.0
        self.workers = list(workers)
        self.policy = policy
        self.nominal: dict[str, float] = defaultdict(float)
        self.queues: dict[str, deque[Range]] = defaultdict(deque)
        self.lines: dict[str, deque[Range]] = defaultdict(deque)  # by wish
        self.in_line: dict[str, float] = defaultdict(float)
        self.out: dict[Range, None] = {}  # as they were released: a set has no order
        self.waiting: dict[str, float] = defaultdict(float)
        self.held: dict[str, float] = defaultdict(float)
        self.busy: Counter[str] = Counter()
        self.shared: Counter[str] = Counter()  # ranges without a wish that were sent to each kind
        self.moved = 0
        self.again = 0  # ranges that were begun more than once
        self.documents = documents
        self._out_of: Counter[str] = Counter()
        self._idle: dict[str, dict[str, Worker]] = defaultdict(dict)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._left = len(documents)
        for worker in self.workers:
            self._hire(worker)
        for document in documents:
            self.at(document.comes, lambda document=document: self._come(document))
        self.at(HEARTBEAT, self._beat)
        self.at(SWEEP, self._sweep)

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Have something happen."""
        self._serial += 1
        heapq.heappush(self._events, (time, self._serial, act))

    def run(self) -> float:
        """Run until all documents are read; returns when that is."""
        while self._left:
            self.now, _, act = heapq.heappop(self._events)
            act()
        return self.now

    def visible(self) -> list[Worker]:
        """Workers whose heartbeat has not expired."""
        return [one for one in self.workers if one.gone is None or self.beaten < one.gone + HEARTBEAT * BEATS]

    def crews(self) -> dict[str, list[Worker]]:
        """Return all workers by kind."""
        found: dict[str, list[Worker]] = defaultdict(list)
        for worker in self.workers:
            found[worker.kind].append(worker)
        return found

    def vanish(self, worker: Worker) -> None:
        """Have a worker be no more, without a word."""
        worker.gone = self.now
        self._idle[worker.queue].pop(worker.name, None)

    def appear(self, worker: Worker) -> None:
        """Have a worker be there and warm, a new one or one that was gone."""
        if worker.gone is not None and worker.task is not None:
            self._return(worker, worker.task)
        worker.gone = None
        if worker in self.workers:
            self._take(worker)
        else:
            self.workers.append(worker)
            self._hire(worker)

    def slow_down(self, worker: Worker, factor: float) -> None:
        """Have a worker be slower from now on."""
        worker.speed /= factor
        if worker.task is not None:
            worker.ends = self.now + (worker.ends - self.now) * factor
            self._end_at(worker)

    def _hire(self, worker: Worker) -> None:
        worker.queue = self.policy.queue_of(worker)
        self.nominal[worker.kind] += worker.speed
        self._take(worker)

    def _come(self, document: Document) -> None:
        ranges = list(document.ranges())
        document.left = len(ranges)
        line = document.wish or ""
        self.lines[line].extend(ranges)
        self.in_line[line] += sum(one.megapixels for one in ranges)
        self._release()

    def _release(self) -> None:
        if not any(self.lines.values()):
            return
        windows = windows_of(Counter(worker.kind for worker in self.visible()), self.shared, WINDOW)
        for line, waiting in self.lines.items():
            window = windows.get(line, WINDOW)
            while waiting and (not self.policy.windowed or self._out_of[line] < window):
                one = waiting.popleft()
                self.in_line[line] -= one.megapixels
                self._out_of[line] += 1
                self.out[one] = None
                self._send(one, self.policy.route(self, one))

    def _send(self, one: Range, kind: str) -> None:
        if one.document.wish is None:
            self.shared[one.kind] -= bool(one.kind)
            self.shared[kind] += 1
        one.kind, one.sent = kind, self.now
        self.waiting[kind] += one.megapixels
        self.queues[kind].append(one)
        if self._idle[kind]:
            _, worker = self._idle[kind].popitem()
            self._take(worker)

    def _take(self, worker: Worker) -> None:
        queue = self.queues[worker.queue]
        while queue:
            one = queue.popleft()
            if not one.over and one.holder is None:
                self._begin(worker, one)
                return
        self._idle[worker.queue][worker.name] = worker

    def _begin(self, worker: Worker, one: Range) -> None:
        one.holder, worker.task = worker, one
        self.again += one.readings > 0
        one.readings += 1
        self.waiting[one.kind] -= one.megapixels
        self.held[one.kind] += one.megapixels
        self.busy[one.kind] += 1
        worker.began = self.now
        worker.ends = self.now + one.work / worker.speed + _OVERHEAD
        self._end_at(worker)

    def _end_at(self, worker: Worker) -> None:
        worker.serial += 1
        serial = worker.serial
        self.at(worker.ends, lambda: self._end(worker, serial))

    def _end(self, worker: Worker, serial: int) -> None:
        one = worker.task
        if worker.gone is not None or worker.serial != serial or one is None:
            return
        self._let_go(worker, one)
        one.over = True
        self.out.pop(one, None)
        self._out_of[one.document.wish or ""] -= 1
        self.shared[one.kind] -= one.document.wish is None
        worker.measured.add(one.megapixels / one.pages, (self.now - worker.began) / one.pages)
        one.document.left -= 1
        if not one.document.left:
            one.document.ended = self.now
            self._left -= 1
        self._take(worker)
        self._release()

    def _let_go(self, worker: Worker, one: Range) -> None:
        one.holder = worker.task = None
        self.held[one.kind] -= one.megapixels
        self.busy[one.kind] -= 1

    def _return(self, worker: Worker, one: Range) -> None:
        """Send what a dead worker had in hand again."""
        self._let_go(worker, one)
        self._send(one, self.policy.route(self, one))

    def _beat(self) -> None:
        self.beaten = self.now
        self.at(self.now + HEARTBEAT, self._beat)
        self._release()

    def _sweep(self) -> None:
        for worker in self.workers:
            if worker.gone is not None and worker.task is not None and self.now > worker.gone + LEASE:
                self._return(worker, worker.task)
        for one, kind in self.policy.moves(self):
            self.waiting[one.kind] -= one.megapixels
            self.moved += 1
            self._send(one, kind)
        self.at(self.now + SWEEP, self._sweep)
