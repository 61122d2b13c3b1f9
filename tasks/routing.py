"""Chooses the kind of device for a piece of work: the one on which it would end first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.settings import ColdStart
from infra.status import Heartbeat
from tasks.queues import CONTROL

DEFAULT_KIND = "cpu"
# Assumed of a worker that has not measured itself yet, in megapixels per second.
UNMEASURED = {"cpu": 2.0}
UNMEASURED_OTHER = 20.0


@dataclass(frozen=True, slots=True)
class KindOfDevice:
    """A kind of device as the router sees it.

    Attributes:
        speed: Megapixels per second of all its workers together; 0 with none.
        backlog: Megapixels that wait in its queues.
        cold: How it would start, if it has no worker but something starts one for waiting work.
    """

    name: str
    speed: float
    backlog: float = 0.0
    cold: ColdStart | None = None

    def seconds_for(self, megapixels: float) -> float | None:
        """Return the seconds until `megapixels` of further work would be done; None when never."""
        waiting = self.backlog + megapixels
        if self.speed > 0:
            return waiting / self.speed
        if self.cold is not None:
            return self.cold.seconds + waiting / self.cold.megapixels_per_second
        return None


def choose_kind(megapixels: float, wish: str | None, kinds: Sequence[KindOfDevice]) -> str:
    """Return the kind on which work of this size ends first; a wish is obeyed, even if it has to wait.

    With no worker at all, and none that can be started, it waits for a CPU.
    """
    if wish is not None:
        return wish
    ends = [(seconds, kind.name) for kind in kinds if (seconds := kind.seconds_for(megapixels)) is not None]
    return min(ends)[1] if ends else DEFAULT_KIND


def see_kinds(
    workers: Iterable[Heartbeat], backlog: Mapping[str, float], cold: Mapping[str, ColdStart]
) -> list[KindOfDevice]:
    """Sum up heartbeats, waiting megapixels by kind, and what can be started."""
    speeds: dict[str, float] = dict.fromkeys(cold, 0.0)
    for worker in workers:
        if worker.kind != CONTROL:
            speeds[worker.kind] = speeds.get(worker.kind, 0.0) + _speed(worker)
    return [
        KindOfDevice(kind, speed, backlog.get(kind, 0.0), cold.get(kind))
        for kind, speed in sorted(speeds.items())
    ]


def _speed(worker: Heartbeat) -> float:
    if worker.megapixels_per_second is not None:
        return worker.megapixels_per_second
    return UNMEASURED.get(worker.kind, UNMEASURED_OTHER)
