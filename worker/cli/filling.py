"""The work of `pageline backfill`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from infra.errors import BrokerUnavailable
from infra.settings import Settings
from infra.status import Store
from infra.status.cursors import Cursor
from infra.storage import Location, ObjectInfo, open_storage
from worker.bridge.announcer import Announcer
from worker.bridge.outcome import Outcome
from worker.bridge.patience import patiently
from worker.bridge.sorter import Sorter
from worker.cli.errors import UsageError
from worker.cli.signals import ending_in_order
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import printable, stderr, stdout
from worker.cli.view import plural
from worker.inbox.gather import is_unicode
from worker.stack.submission import producer_for

_BACKLOG = 100_000  # announcements in line, some 20 MB of Redis, beyond which the listing waits
_LOOK_EVERY = 200  # announcements between two looks at that, and between two notes of how far this is
_TELL_SECONDS = 10.0
_POLL_SECONDS = 0.5
_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be announced: see `pageline backfill`."""

    location: str
    since: str | None
    rate: float | None
    tenant: str


def fill(wanted: Wanted, folder: Path | None, *, dry_run: bool, restart: bool) -> None:
    """Announce what lies below a location, and say what became of it.

    Raises:
        UsageError: the location or the time makes no sense.
        InfraError: the stack or the storage does not answer.
    """
    place = Location.parse(wanted.location)
    since = moment(wanted.since, datetime.now(UTC)) if wanted.since is not None else None
    with chosen_stack(folder) as (settings, store), producer_for(settings) as producer, ending_in_order():
        sorter = _sorter(place, wanted.tenant, settings)
        cursor = Cursor(store.client, store.keys, "backfill", place.uri, wanted.since or "", wanted.tenant)
        if restart:
            cursor.forget()
        after = None if dry_run else cursor.load()
        if after is not None:
            stderr().print(f"going on after {printable(after)}; --restart begins anew")
        found = _found(place, settings, since, after)
        if dry_run:
            _print(found, place, sorter)
            return
        announcer = Announcer(sorter, producer, wanted.tenant)
        _Filling(place, announcer, store, cursor, wanted.rate).run(found)
        cursor.forget()
    found_some = announcer.counts.total > 0
    stdout().print(str(announcer.counts) if found_some else f"nothing was found below {printable(place.uri)}")


def moment(text: str, now: datetime) -> datetime:
    """Read a date, a time (in UTC unless it says otherwise), or how long ago: `7d`, `12h`.

    Raises:
        UsageError: it is none of these.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"--since takes a date, a time, or how long ago (7d, 12h), not {text!r}") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class _Filling:
    """Announces what a listing finds, at a rate, as control workers keep up, and remembers how far it is."""

    def __init__(
        self, place: Location, announcer: Announcer, store: Store, cursor: Cursor, rate: float | None
    ) -> None:
        self._place = place
        self._announcer = announcer
        self._store = store
        self._cursor = cursor
        self._rate = rate
        self._started = self._told = time.monotonic()
        self._announced = 0
        self._last: str | None = None

    def run(self, found: Iterator[ObjectInfo]) -> None:
        """Announce all that is found; however this ends, another backfill can go on behind the last of it."""
        try:
            for count, one in enumerate(found, 1):
                where = _at(self._place, one.key)
                self._announced += patiently(partial(self._announcer.announce, where))
                self._last = one.key
                self._keep_pace(count)
        finally:
            self._remember()

    def _keep_pace(self, count: int) -> None:
        if count % _LOOK_EVERY == 0:
            self._remember()
            self._wait_for_room()
        if self._rate is not None:
            time.sleep(max(0.0, self._started + self._announced / self._rate - time.monotonic()))
        self._tell("")

    def _remember(self) -> None:
        """Note the last key; that Redis does not answer now means some more is announced twice."""
        if self._last is not None:
            with suppress(BrokerUnavailable):
                self._cursor.save(self._last)

    def _wait_for_room(self) -> None:
        while patiently(self._store.fleet.waiting) >= _BACKLOG:
            self._tell("; waiting for the control workers")
            time.sleep(_POLL_SECONDS)

    def _tell(self, more: str) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            rate = self._announced / (now - self._started)
            stderr().print(f"{self._announcer.counts}; {rate:.0f} a second{more}")


def _sorter(place: Location, tenant: str, settings: Settings) -> Sorter:
    """Return what sorts by the settings, unless nothing below `place` could be a document."""
    if tenant not in settings.tenants:
        raise UsageError(f"there is no tenant {tenant!r} in the settings")
    sorter = Sorter(settings.sources, settings.results)
    if not any(source.contains(place) or place.contains(source) for source in sorter.sources):
        raise UsageError(f"{place} lies in none of the configured sources")
    return sorter


def _found(
    place: Location, settings: Settings, since: datetime | None, after: str | None
) -> Iterator[ObjectInfo]:
    """Yield what lies below a place, in the order of its keys."""
    storage = open_storage(place, settings.s3)
    for found in storage.list(f"{place.key}/" if place.key else "", start_after=after):
        if (since is None or found.modified >= since) and is_unicode(found.key):
            yield found


def _print(found: Iterator[ObjectInfo], place: Location, sorter: Sorter) -> None:
    """Print what would be announced, and how much that is."""
    count = 0
    for one in found:
        where = _at(place, one.key)
        if not isinstance(sorter.sort(where), Outcome):
            count += 1
            stdout().print(short_name(where.uri))
    stderr().print(f"{plural(count, 'document')} would be announced")


def _at(place: Location, key: str) -> Location:
    """Return where a listed key lies; a directory's own name is its whole root."""
    if place.scheme == "file":
        return Location("file", str(Path(place.bucket, key)))
    return Location("s3", place.bucket, key)
