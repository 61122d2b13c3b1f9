"""What whoever sends ranges sees of the fleet, and the queue that follows from it."""

from __future__ import annotations

import time
from functools import cached_property

from infra.status import DocumentStatus, Heartbeat, Placement
from infra.status.states import Mode
from infra.status.work import PageRange
from tasks.context import Tools
from tasks.queues import CONTROL, queue_for
from tasks.ranges import FLOOR_MEGAPIXELS
from tasks.routing import KindOfDevice, choose_kind
from tasks.speeds import Speeds, see_kinds


class Sight:
    """The fleet at one moment; each part is asked for when it is first needed, and once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._kinds: dict[str, KindOfDevice] | None = None

    @cached_property
    def workers(self) -> list[Heartbeat]:
        """Who is at work, control workers left out."""
        return [beat for beat in self._tools.store.fleet.workers() if beat.kind != CONTROL]

    @cached_property
    def placements(self) -> list[Placement]:
        """What was sent where."""
        return self._tools.store.placements.all()

    @cached_property
    def speeds(self) -> Speeds:
        """What is known of speeds."""
        cold, placements = self._tools.settings.cold_kinds, self._tools.store.placements
        return Speeds(placements.speeds(), cold, placements.absent(sorted(cold)))

    @cached_property
    def ahead(self) -> float:
        """Megapixels that are in no queue yet and may go to any kind."""
        return self._tools.store.placements.in_line().get("", 0.0)

    @property
    def kinds(self) -> list[KindOfDevice]:
        """The kinds to choose from, with what was placed since."""
        return list(self._seen().values())

    def choose(self, megapixels: float) -> str:
        """Choose a kind for a range without a wish."""
        startable = self.speeds.cold.keys() - self.speeds.absent if self._tools.settings.cold_kinds else set()
        present = {beat.kind for beat in self.workers} | startable
        if len(present) == 1:
            return next(iter(present))  # no more need be asked: most fleets are of one kind
        return choose_kind(megapixels, None, self.kinds, self.ahead if present else 0.0)

    def add(self, kind: str, megapixels: float) -> None:
        """Count a range that is placed from now on."""
        if self._kinds is not None and kind in self._kinds:
            self._kinds[kind] = self._kinds[kind].with_more(megapixels)

    def _seen(self) -> dict[str, KindOfDevice]:
        if self._kinds is None:
            seen = see_kinds(self.workers, self.placements, self.speeds, time.time())
            self._kinds = {kind.name: kind for kind in seen}
        return self._kinds


def place(tools: Tools, pages: PageRange, sight: Sight) -> str:
    """Return the queue that a range is to go to, and note that."""
    document = tools.store.listing.document(pages.document)
    if document is None or pages.mode is Mode.GIVEN_UP:
        return CONTROL  # nothing is to be read
    megapixels = _megapixels(document, pages)
    kind = document.device or sight.choose(megapixels)
    tools.store.placements.put(pages, kind, megapixels, wished=document.device is not None)
    sight.add(kind, megapixels)
    return queue_for(kind, document.priority)


def place_at(tools: Tools, placement: Placement, kind: str) -> str:
    """Return the queue of another kind for a range that was placed, and note that."""
    tools.store.placements.put(placement.pages, kind, placement.megapixels, wished=False)
    return queue_for(kind, tools.store.listing.field(placement.pages.document, "priority") or "normal")


def _megapixels(document: DocumentStatus, pages: PageRange) -> float:
    """The size of a range: its document's pages are taken to be alike."""
    share = document.megapixels / document.pages if document.pages else 0.0
    return max(share, FLOOR_MEGAPIXELS) * (pages.last - pages.first + 1)
