"""What the handlers of the service share: settings, status, storages, and threads for what blocks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from infra.settings import Settings
from infra.status import Store, open_store
from infra.status.idempotency import Idempotency
from infra.storage import Storage
from tasks.context import Tools, storage_at
from tasks.sourcecache import SourceCache
from worker.http.keys import KeyRing
from worker.http.problems import RETRY_SECONDS, Refusal
from worker.sending import tools_for

_THREADS = 40  # calls to Redis and storage at once
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(slots=True)
class Desk:
    """One service's settings and connections.

    Attributes:
        tools: Status and queue, as tasks take them.
        keys: Who may ask.
        sources: Documents fetched to this host, shared with its workers.
    """

    settings: Settings
    tools: Tools
    keys: KeyRing
    sources: SourceCache
    _limiter: CapacityLimiter | None = field(default=None, init=False)
    _fetches: int = field(default=0, init=False)

    @property
    def store(self) -> Store:
        """Status, fleet and listing; its calls block, so they go through `run`."""
        return self.tools.store

    @property
    def results(self) -> Storage:
        """Where results are."""
        return self.storage(self.settings.results)

    @property
    def idempotency(self) -> Idempotency:
        """Which requests with keys of their own were done."""
        return Idempotency(self.store.client, self.store.keys, self.settings.http.idempotency_seconds)

    def storage(self, uri: str) -> Storage:
        """Return the storage that `uri` lies in; its calls block."""
        return storage_at(uri, self.settings.s3)

    async def run(self, call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Make a call that blocks, in a thread of its own; the event loop goes on meanwhile."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(_THREADS)  # belongs to the loop that asks first
        bound: Callable[[], Any] = partial(call, *args, **kwargs)
        found: _R = await to_thread.run_sync(bound, limiter=self._limiter)
        return found

    @contextmanager
    def fetching(self, wanted: bool) -> Iterator[None]:
        """Count a document that is being fetched, if one is `wanted`. Raises `Refusal` where too many are."""
        if wanted and self._fetches >= self.settings.http.fetches:
            raise Refusal(503, "Too many documents are being fetched; try again.", retry_after=RETRY_SECONDS)
        self._fetches += wanted
        try:
            yield
        finally:
            self._fetches -= wanted


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """A desk whose connections end with the context; nothing is contacted yet."""
    store = open_store(settings)
    try:
        with tools_for(settings, store) as tools:
            used = settings.work_dir / "used" / f"http-{os.getpid()}"
            sources = SourceCache(settings.work_dir, settings.cache_bytes, used=used)
            try:
                yield Desk(settings, tools, KeyRing(settings.http.keys_file), sources)
            finally:
                sources.clean()
    finally:
        store.close()
