"""How many workers of a kind are worth having: what an autoscaler asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from infra.status import Heartbeat
from tasks.context import Tools
from tasks.dispatch_sight import Sight
from tasks.routing import DEFAULT_KIND, KindOfDevice
from tasks.speeds import most_held


@dataclass(frozen=True, slots=True)
class Demand:
    """What there is to do for a kind of device.

    Attributes:
        value: How many workers it is worth, 0 for none: as many as would be through with it in the time asked
            for, and no fewer than are at something now.
        busy: Workers that have something in hand.
        workers: All of its workers, those that warm up as well.
        waiting: Megapixels that nobody has begun; of those in no queue yet, the kind's share.
        held: Megapixels of ranges in hand, as they were begun.
        speed: Megapixels per second of one worker: measured, remembered or assumed.
    """

    kind: str
    value: float
    busy: int
    workers: int
    waiting: float
    held: float
    speed: float

    @property
    def drain_seconds(self) -> float | None:
        """In what time its workers would be through with it; None without any."""
        left = self.waiting + self.held / 2
        return left / (self.workers * self.speed) if self.workers else None


def demand(tools: Tools, kind: str, drain_seconds: float = 60.0) -> Demand:
    """Return what there is to do for a kind, and how many workers would do it in `drain_seconds`."""
    sight = Sight(tools)
    crew = [beat for beat in sight.workers if beat.kind == kind]
    placed = [one for one in sight.placements if one.kind == kind]
    held = [one.megapixels for one in placed if one.held]
    in_line = tools.store.placements.in_line()
    waiting = sum(one.megapixels for one in placed if not one.held)
    waiting += in_line.get(kind, 0.0) + in_line.get("", 0.0) * _share(kind, sight)
    speed = sight.speeds.one(kind, crew)
    busy = max(_holders(len(held), crew), sum(map(_busy, crew)))
    worth = (waiting + sum(held) / 2) / (speed * drain_seconds)
    return Demand(kind, max(float(busy), worth), busy, len(crew), waiting, sum(held), speed)


def _holders(ranges: int, crew: Sequence[Heartbeat]) -> int:
    """How many workers hold so many ranges at least: some take several at once."""
    return math.ceil(ranges / max(map(most_held, crew), default=1))


def _busy(beat: Heartbeat) -> bool:
    return beat.state == "busy"


def _share(kind: str, sight: Sight) -> float:
    """The part of what is in no queue yet, and may go to any kind, that will come to this one."""
    at_work: dict[str, KindOfDevice] = {one.name: one for one in sight.kinds if one.at_work}
    if not at_work:
        return float(kind == DEFAULT_KIND)
    return at_work[kind].speed / sum(one.speed for one in at_work.values()) if kind in at_work else 0.0
