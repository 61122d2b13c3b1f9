"""How fast each kind of device reads, from what its workers say of themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import median

from infra.settings import ColdStart
from infra.status import Activity, Heartbeat, Placement
from tasks.queues import CONTROL
from tasks.routing import KindOfDevice

# Assumed of a worker that nobody has measured yet, in megapixels per second.
_UNMEASURED = {"cpu": 1.0}
_UNMEASURED_OTHER = 20.0
_HALF_LIFE = 900.0  # seconds after which a worker's own measure counts as much as its peers'
_LARGE = 16.0  # megapixels of a page in hand, where its size is not known
_SLOW = 4.0  # a page in hand for so many times a usual one's time says more than the average of earlier ones
_WARM_SECONDS = 10.0  # what a worker that warms up is assumed to need
_STARTS_AWAITED = 3.0  # cold-start times after which a kind that was to start is not counted on


@dataclass(frozen=True, slots=True)
class Speeds:
    """What is known of speeds.

    Attributes:
        remembered: Megapixels per second of one worker by kind, as last measured; the kind may be gone.
        cold: Kinds that are started when something waits for them.
        absent: Kinds that were waited for in vain: nobody counts on them for a while.
    """

    remembered: Mapping[str, float]
    cold: Mapping[str, ColdStart]
    absent: AbstractSet[str] = frozenset()

    def one(self, kind: str, workers: Iterable[Heartbeat] = ()) -> float:
        """Return the megapixels per second of a usual worker of a kind.

        Those that have not measured themselves count as what was known before, if anything was: the first to
        have are those that had easy pages.
        """
        crew = [beat.megapixels_per_second for beat in workers if beat.kind == kind]
        before = self.remembered.get(kind)
        known = [speed for one in crew if (speed := one or before)]
        if known:
            return median(known)
        if before is not None:
            return before
        if kind in self.cold:
            return self.cold[kind].megapixels_per_second
        return _UNMEASURED.get(kind, _UNMEASURED_OTHER)


def see_kinds(
    workers: Iterable[Heartbeat], placements: Iterable[Placement], speeds: Speeds, now: float
) -> list[KindOfDevice]:
    """Sum up who is at work, and what was sent to whom, at the moment `now` (seconds since the epoch)."""
    crews: dict[str, list[Heartbeat]] = defaultdict(list)
    for beat in workers:
        if beat.kind != CONTROL:
            crews[beat.kind].append(beat)
    sent: dict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        sent[placement.kind].append(placement)
    startable = speeds.cold.keys() - speeds.absent
    return [_see(kind, crews[kind], sent[kind], speeds, now) for kind in sorted(crews.keys() | startable)]


def _see(
    kind: str, crew: Sequence[Heartbeat], sent: Sequence[Placement], speeds: Speeds, now: float
) -> KindOfDevice:
    usual = speeds.one(kind, crew)
    warm = [beat for beat in crew if beat.state != "warming"]
    held = [placement for placement in sent if placement.held]
    counted = warm or crew
    page = max((one.megapixels / _pages(one) for one in held), default=_LARGE)
    return KindOfDevice(
        kind,
        speed=sum(worker_speed(beat, usual, now, page) for beat in counted) if crew else usual,
        workers=len(counted),
        busy=_full(held, counted),
        waiting=sum(placement.megapixels for placement in sent if not placement.held),
        held=sum(placement.megapixels for placement in held),
        delay=0.0 if warm else _delay(crew, sent, speeds.cold.get(kind), now),
    )


def most_held(beat: Heartbeat) -> int:
    """Return how many ranges a worker takes in hand: one, or on a device for many pages several."""
    return 1 if beat.at_once == 1 else 2 * beat.at_once


def _full(held: Sequence[Placement], crew: Sequence[Heartbeat]) -> int:
    """Return how many workers can take no further range with these in hand."""
    if not crew:
        return 0
    if all(beat.at_once == 1 for beat in crew):
        return min(len(held), len(crew))
    return min(sum(map(_pages, held)) * len(crew) // sum(map(most_held, crew)), len(crew))


def _pages(placement: Placement) -> int:
    return placement.pages.last - placement.pages.first + 1


def _delay(crew: Sequence[Heartbeat], sent: Sequence[Placement], cold: ColdStart | None, now: float) -> float:
    """Seconds until the first of a kind can take work: it is warming up, being started, or not even that."""
    if crew:
        return max(0.0, min(beat.started for beat in crew) + _WARM_SECONDS - now)
    seconds = cold.seconds if cold is not None else 0.0
    asked = min((placement.at for placement in sent), default=now)
    return max(0.0, asked + seconds - now)


def worker_speed(beat: Heartbeat, usual: float, now: float, page: float = _LARGE) -> float:
    """Return the megapixels per second to count on from one worker.

    `usual` is what its peers do, `page` the megapixels of a page that it may have in hand.

    Its own measure counts, the less the older it is. One that is stuck counts for nothing, and one that has a
    page in hand for far too long for what that shows.
    """
    if beat.health(now) == "stuck":
        return 0.0
    own = beat.megapixels_per_second
    if not own:
        return usual
    age = max(0.0, now - beat.measured) if beat.measured is not None else 0.0
    weight = 0.5 ** (age / _HALF_LIFE)
    speed = own * weight + usual * (1 - weight)
    since = [one.since for one in beat.doing if one.activity is Activity.READING]
    seconds = now - min(since) if since else 0.0
    beside = most_held(beat)  # pages that share its time, each in hand for that much longer
    return page * beside / seconds if seconds * own > _SLOW * page * beside else speed


def waited_in_vain(
    workers: Iterable[Heartbeat], placements: Iterable[Placement], speeds: Speeds, now: float
) -> set[str]:
    """Return the kinds that were to be started long ago and still have no worker."""
    alive = {beat.kind for beat in workers}
    return {
        placement.kind
        for placement in placements
        if placement.kind in speeds.cold.keys() - alive
        and now - placement.at > speeds.cold[placement.kind].seconds * _STARTS_AWAITED
    }
