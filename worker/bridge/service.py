"""One bridge as a service: opens what events come from, and tells now and then what became of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

from infra.errors import SettingsError
from infra.notify.targets import shown
from infra.settings import Settings
from infra.status import Store
from infra.status.cursors import Cursor
from infra.storage.location import Location
from worker.bridge.announcer import Announcer, Announces
from worker.bridge.outcome import Counts
from worker.bridge.sorter import Sorter
from worker.stack.scratch import scratch_folder

# ruff: noqa: PLC0415  -- each kind of source brings its own clients
_log = logging.getLogger(__name__)
_TELL_SECONDS = 60.0
_REDIS = {"redis", "rediss", "redis+socket", "unix"}


class Feed(Protocol):
    """Where events come from."""

    def serve(self, announcer: Announcer) -> None:
        """Hand on what comes until an exception ends it."""
        ...


class Bridge:
    """A source of events and whoever announces.

    Args:
        url: `sqs://…` or a queue's ARN, `redis://…?key=…`, `webhook://…`, `seaweedfs://…`, or a folder.
        tenant: Whose documents they are.

    Raises:
        InfraError: the source cannot be opened, or the settings name no sources or not this tenant.
    """

    def __init__(
        self, url: str, settings: Settings, store: Store, producer: Announces, *, tenant: str, scratch: Path
    ) -> None:
        if tenant not in settings.tenants:
            raise SettingsError(f"there is no tenant {tenant!r} in the settings")
        sorter = Sorter(settings.sources, settings.results)
        self._url = url
        self._announcer = Announcer(sorter, producer, tenant)
        cursor = Cursor(store.client, store.keys, "bridge", url, tenant)
        self._feed = _open(url, settings, sorter, cursor, scratch)

    @property
    def counts(self) -> Counts:
        """What became of events so far."""
        return self._announcer.counts

    def serve(self) -> None:
        """Work until an exception ends it, Ctrl-C and SIGTERM among them."""
        _log.info("taking events from %s", shown(self._url))
        with _telling(self.counts):
            self._feed.serve(self._announcer)


@contextmanager
def bridge_to(
    url: str, settings: Settings, store: Store, producer: Announces, tenant: str
) -> Iterator[Bridge]:
    """Open a bridge; see there."""
    with scratch_folder() as scratch:
        yield Bridge(url, settings, store, producer, tenant=tenant, scratch=scratch)


def _open(url: str, settings: Settings, sorter: Sorter, cursor: Cursor, scratch: Path) -> Feed:
    scheme, separator, rest = url.partition("://")
    if scheme == "sqs" or url.startswith("arn:"):
        from worker.bridge.sqs import SqsQueue

        return SqsQueue(rest or url, settings.s3)
    if scheme in _REDIS:
        from worker.bridge.redis_target import RedisTarget

        return RedisTarget(url)
    if scheme == "webhook":
        from worker.bridge.webhook import Webhook

        return Webhook(url)
    if scheme == "seaweedfs":
        from worker.bridge.seaweedfs import FilerLog

        return FilerLog(url, settings.s3, cursor, scratch)
    if scheme == "file" or not separator:
        from worker.bridge.folder import WatchedFolder

        return WatchedFolder(Location.parse(url), sorter)
    raise SettingsError(
        f"{scheme}:// brings no events; use sqs://, redis://, webhook://, seaweedfs:// or a folder"
    )


@contextmanager
def _telling(counts: Counts) -> Iterator[None]:
    """Log the counts now and then, when they have changed."""
    over = Event()

    def tell() -> None:
        told = ""
        while not over.wait(_TELL_SECONDS):
            if str(counts) != told:
                told = str(counts)
                _log.info("%s", told)

    thread = Thread(target=tell, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
