"""Moves waiting ranges: off a kind of device that died, is slow or never came, and onto one that appeared.

A range is moved by being sent again: whoever meets its older message later finds it leased or over, and
drops it. What a document asked for is never changed, and what somebody has in hand stays there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence

from infra.status import Placement
from tasks.context import Tools
from tasks.dispatch import send_range
from tasks.dispatch_sight import Sight, place_at
from tasks.queues import queues_of
from tasks.routing import KindOfDevice, choose_kind, drain_seconds
from tasks.speeds import waited_in_vain

_log = logging.getLogger(__name__)
# A range that would end after everything else could have is moved for so much, in seconds and as a share of
# the time it would take: estimates are no better. Another one is only moved for more: it holds nothing up.
_GAIN_SECONDS = 3.0
_GAIN_SHARE = 0.3
_GAIN_ANYWAY_SECONDS = 30.0
_REST_SECONDS = 5.0  # that a range stays where it was sent, unless nobody is there
_ABSENT_SECONDS = 600.0  # a kind that was to be started and was not is not counted on for so long


def plan_moves(
    placements: Sequence[Placement], kinds: Sequence[KindOfDevice], ahead: float, now: float
) -> list[tuple[Placement, str]]:
    """Return the waiting ranges that would end much sooner on another kind, with that kind.

    `kinds` are those that `placements` were summed up to. What was sent last is moved first: it would be read
    last.
    """
    seen = {kind.name: kind for kind in kinds}
    return list(_moves(reversed(placements), seen, ahead, now))


def _moves(
    placements: Iterable[Placement], seen: dict[str, KindOfDevice], ahead: float, now: float
) -> Iterator[tuple[Placement, str]]:
    for one in placements:
        source = seen.get(one.kind)
        rests = source is not None and source.workers > 0 and now - one.at < _REST_SECONDS
        if one.held or one.wished or rests:
            continue
        target = _better(one, source, seen, ahead)
        if target is not None:
            seen[target] = seen[target].with_more(one.megapixels)
            if source is not None:
                seen[one.kind] = source.with_more(-one.megapixels)
            yield one, target


def _better(
    one: Placement, source: KindOfDevice | None, seen: dict[str, KindOfDevice], ahead: float
) -> str | None:
    """Return the kind to which a move of this range pays, if there is one."""
    without = [
        kind.with_more(-one.megapixels) if source is not None and kind.name == source.name else kind
        for kind in seen.values()
    ]
    target = choose_kind(one.megapixels, None, without, ahead)
    if target == one.kind or target not in seen:
        return None
    if source is None or source.speed <= 0:
        return target
    stays = source.with_more(-one.megapixels).end(one.megapixels)
    gain = stays - seen[target].end(one.megapixels)
    late = stays > drain_seconds((kind for kind in seen.values() if kind.at_work), ahead)
    least = max(_GAIN_SECONDS if late else _GAIN_ANYWAY_SECONDS, _GAIN_SHARE * stays)
    return target if gain > least else None


def move_waiting(tools: Tools) -> int:
    """Do it once; returns how many messages were sent. Two processes at it do no harm."""
    sight = Sight(tools)
    if not sight.placements:
        return 0
    tools.store.placements.prune()
    _note_speeds(tools, sight)
    vain = waited_in_vain(sight.workers, sight.placements, sight.speeds, time.time())
    for kind in vain - sight.speeds.absent:
        _log.warning("no %s worker has come, and nobody counts on one for %g s", kind, _ABSENT_SECONDS)
        tools.store.placements.give_up_on(kind, _ABSENT_SECONDS)
    kinds = [kind for kind in sight.kinds if kind.name not in vain]
    moves = plan_moves(sight.placements, kinds, sight.ahead, time.time())
    for placement, kind in moves:
        _log.info("moved from %s to %s: %s", placement.kind, kind, placement.pages.member)
        send_range(tools, placement.pages, place_at(tools, placement, kind))
    _clear_deserted(tools, sight, {placement.kind for placement, _ in moves})
    return len(moves)


def _note_speeds(tools: Tools, sight: Sight) -> None:
    measured = {beat.kind for beat in sight.workers if beat.megapixels_per_second}
    known = {kind: sight.speeds.one(kind, sight.workers) for kind in measured}
    tools.store.placements.remember_speeds(known)


def _clear_deserted(tools: Tools, sight: Sight, left: Iterable[str]) -> None:
    """Drop the old messages in queues that nobody serves: they would be in the way of finding lost ones."""
    alive = {beat.kind for beat in sight.workers}
    for kind in set(left) - alive:
        tools.store.placements.clear(kind, queues_of(kind))
