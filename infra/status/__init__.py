"""Fast memory of documents, pages, leases and workers, in Redis or Valkey. Storage stays the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from infra.settings import QueueSettings, Settings
from infra.status.fleet import Fleet, Heartbeat
from infra.status.keys import Keys
from infra.status.listing import DocumentStatus, Listing
from infra.status.scripts import Scripts, check_suitable, connect
from infra.status.status import Status

__all__ = ["DocumentStatus", "Fleet", "Heartbeat", "Listing", "Status", "Store", "open_store"]


@dataclass(frozen=True, slots=True)
class Store:
    """One connection, seen three ways: what changes state, who is at work, what people ask."""

    client: redis.Redis
    keys: Keys
    status: Status
    fleet: Fleet
    listing: Listing

    def check(self) -> None:
        """Refuse a server that evicts. Raises `BrokerUnsuitable` and `BrokerUnavailable`."""
        check_suitable(self.client)

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name; nothing is contacted yet."""
    return store_at(settings.redis_url, settings.key_prefix, settings.queue)


def store_at(url: str, prefix: str, queue: QueueSettings) -> Store:
    """Open a store by redis-py's URL and a prefix of keys; nothing is contacted yet."""
    client = connect(url)
    keys = Keys(prefix)
    scripts = Scripts(client, keys)
    return Store(
        client, keys, Status(scripts, queue), Fleet(client, scripts, keys, queue), Listing(client, keys)
    )
