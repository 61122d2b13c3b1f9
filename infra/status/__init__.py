"""Fast memory of documents, pages, leases and workers, in Redis or Valkey. Storage stays the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from infra.notify import NotifySettings
from infra.settings import QueueSettings, Settings
from infra.status.fleet import BEATS, Activity, Doing, Fleet, Heartbeat
from infra.status.keys import Keys
from infra.status.listing import DocumentStatus, Listing, TenantStatus
from infra.status.outbox import Outbox
from infra.status.passes import Pass, Passes
from infra.status.placements import Placement, Placements
from infra.status.scripts import Scripts, check_suitable, connect
from infra.status.status import Status

__all__ = [
    "BEATS",
    "Activity",
    "DocumentStatus",
    "Doing",
    "Fleet",
    "Heartbeat",
    "Listing",
    "Outbox",
    "Pass",
    "Passes",
    "Placement",
    "Placements",
    "Status",
    "Store",
    "TenantStatus",
    "open_store",
]


@dataclass(frozen=True, slots=True)
class Store:
    """One connection: state and its changes, who is at work, what people ask, what was seen, told, sent."""

    client: redis.Redis
    keys: Keys
    status: Status
    fleet: Fleet
    listing: Listing
    passes: Passes
    outbox: Outbox
    placements: Placements

    def check(self) -> None:
        """Refuse a server that evicts. Raises `BrokerUnsuitable` and `BrokerUnavailable`."""
        check_suitable(self.client, self.keys("active"))

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()


def open_store(settings: Settings, *, answer_seconds: float | None = None) -> Store:
    """Open the store that the settings name; nothing is contacted yet. `answer_seconds`: see `connect`."""
    client = connect(settings.redis_url, answer_seconds)
    return _store_of(client, settings.key_prefix, settings.queue, settings.notify)


def store_at(url: str, prefix: str, queue: QueueSettings, notify: NotifySettings | None = None) -> Store:
    """Open a store by redis-py's URL and a prefix of keys; nothing is contacted yet."""
    return _store_of(connect(url), prefix, queue, notify or NotifySettings())


def _store_of(client: redis.Redis, prefix: str, queue: QueueSettings, notify: NotifySettings) -> Store:
    keys = Keys(prefix)
    scripts = Scripts(client, keys)
    return Store(
        client,
        keys,
        Status(scripts, queue),
        Fleet(client, scripts, keys, queue),
        Listing(client, keys),
        Passes(client, keys),
        Outbox(client, scripts, keys, queue, notify),
        Placements(client, scripts, keys),
    )
