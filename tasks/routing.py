"""Chooses the kind of device for a range of pages, so that everything that waits is read soonest.

Two rules. While there is more to do than one range takes, ranges go to the kind whose queue is the shortest
in seconds: every kind works to the end. A range does not go where it alone would end after everything else
could have: then it goes where it ends first (list scheduling by earliest completion; Ibarra and Kim, 1977),
should it be much harder than its size says: nobody knows before it is read.
The bound that separates the two, `drain_seconds`, is when all work would end if it could be cut at will.

Nothing here asks anything: a simulation of a fleet drives the same functions as the fleet does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

DEFAULT_KIND = "cpu"
# So many times what its size says may a range take: at the end, a slow worker with such a one holds all up.
HARDER = 2.0


@dataclass(frozen=True, slots=True)
class KindOfDevice:
    """A kind of device as the router sees it.

    Attributes:
        speed: Megapixels per second of all its workers together; of one that has none, once it is started.
        workers: How many it has; 0 for a kind that would have to be started.
        busy: How many of them have a range in hand.
        waiting: Megapixels that wait in its queues.
        held: Megapixels of the ranges in hand, as they were begun.
        delay: Seconds until it begins to read: a start, a warm-up.
    """

    name: str
    speed: float
    workers: int = 1
    busy: int = 0
    waiting: float = 0.0
    held: float = 0.0
    delay: float = 0.0

    @property
    def at_work(self) -> bool:
        """Whether it reads, or will without being asked once more: something waits for it already."""
        return self.speed > 0 and (self.workers > 0 or self.waiting > 0)

    @property
    def left(self) -> float:
        """Megapixels that it still has to read; of what is in hand, half is over."""
        return self.waiting + self.held / 2

    def wait(self) -> float:
        """Return the seconds until a further range would be begun."""
        if self.busy < self.workers and not self.waiting:
            return self.delay
        # The next of its workers is free when one range in hand has gone through all of them together.
        ahead = self.waiting + (self.held / self.busy if self.busy else 0.0)
        return self.delay + ahead / self.speed

    def end(self, megapixels: float) -> float:
        """Return the seconds until a further range would be read, by one of its workers."""
        return self.wait() + megapixels * max(1, self.workers) / self.speed

    def with_more(self, megapixels: float) -> KindOfDevice:
        """Return it with so much more (or, below 0, less) in its queues."""
        return replace(self, waiting=max(0.0, self.waiting + megapixels))


def choose_kind(
    megapixels: float, wish: str | None, kinds: Sequence[KindOfDevice], ahead: float = 0.0
) -> str:
    """Return the kind that a range of this size goes to.

    A wish is obeyed, even if it has to wait. A kind that nobody has started gets its first range as soon as
    it would have read that before all others have read everything. With no kind at all, work waits for a CPU.

    Args:
        megapixels: The range's size.
        wish: The kind that its document asks for, if it does.
        kinds: Those that have workers, or that are started when something waits for them.
        ahead: Megapixels that are in no queue yet, and may go to any kind.
    """
    if wish is not None:
        return wish
    usable = [kind for kind in kinds if kind.speed > 0]
    at_work = [kind for kind in usable if kind.at_work]
    drain = drain_seconds(at_work, ahead + megapixels)
    starts = [(kind.end(megapixels), kind.name) for kind in usable if not kind.at_work]
    if starts and min(starts)[0] < drain:
        return min(starts)[1]
    if not at_work:
        return DEFAULT_KIND
    hard = megapixels * HARDER
    in_time = [kind for kind in at_work if kind.end(hard) <= drain]
    if not in_time:
        return min((kind.end(hard), kind.name) for kind in at_work)[1]
    return min((kind.wait(), kind.end(megapixels), kind.name) for kind in in_time)[2]


def drain_seconds(kinds: Iterable[KindOfDevice], ahead: float = 0.0) -> float:
    """Return the seconds in which these kinds read all they have, and `ahead` megapixels; inf without any.

    Work is taken for a fluid here: it solves sum(speed * max(0, seconds - delay)) = megapixels.
    """
    kinds = sorted(kinds, key=lambda kind: kind.delay)
    left = ahead + sum(kind.left for kind in kinds)
    seconds, speed = 0.0, 0.0
    for kind in kinds:
        if speed * (kind.delay - seconds) >= left and speed > 0:
            break
        left -= speed * (kind.delay - seconds)
        seconds, speed = kind.delay, speed + kind.speed
    return seconds + left / speed if speed > 0 else float("inf")


def windows_of(workers: Mapping[str, int], shared: Mapping[str, int], each: int) -> dict[str, int]:
    """Return how many ranges may be out at once: without a wish (""), and of those that wish for each kind.

    A queue is served in the order of its messages: who has more of them there gets more of the kind. A fast
    kind's holds many without a wish, since it is as long in seconds as the others'. Those that wish for the
    kind may have as many, lest they get the less of it the more slow workers there are besides.

    Args:
        workers: Those at work by kind, one that takes several ranges at once as so many.
        shared: Ranges without a wish that were sent to each kind and are not over.
        each: How many may be out for each worker.
    """
    windows = {kind: max(count * each, shared.get(kind, 0)) for kind, count in workers.items()}
    return {**windows, "": max(1, sum(workers.values())) * each}
