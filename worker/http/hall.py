"""What goes on beside the requests of one service: who waits, what is watched, errands after an answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

from infra.http_settings import HttpSettings
from worker.http.desk import Desk
from worker.http.problems import RETRY_SECONDS, Refusal
from worker.http.rendering import PageRenderer
from worker.http.watch import Watch

_CLOSING_SECONDS = 2.0


class Admission:
    """How many requests wait, of all and of each tenant: beyond the settings' bounds they are turned away."""

    def __init__(self, http: HttpSettings) -> None:
        self._http = http
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def one(self, tenant: str) -> AsyncIterator[None]:
        """Let a request in while the context is open. Raises `Refusal` with 429 or 503."""
        if self._waiting[tenant] >= self._http.ocr_per_tenant:
            detail = f"{self._waiting[tenant]} requests of yours are being read; wait for one of them."
            raise Refusal(429, detail, retry_after=RETRY_SECONDS)
        if self._waiting.total() >= self._http.ocr_at_once:
            raise Refusal(503, "Too many requests wait to be read; try again.", retry_after=RETRY_SECONDS)
        self._waiting[tenant] += 1
        try:
            yield
        finally:
            self._waiting[tenant] -= 1


class Errands:
    """Work that nobody waits for."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[object, object, None]) -> None:
        """Begin an errand."""
        task = asyncio.get_running_loop().create_task(errand)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Give them a moment, and end the rest."""
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=_CLOSING_SECONDS)
            for task in left:
                task.cancel()


@dataclass(frozen=True, slots=True)
class Hall:
    """One service's shared things, while it runs."""

    watch: Watch
    renderer: PageRenderer
    admission: Admission
    errands: Errands


@asynccontextmanager
async def open_hall(desk: Desk) -> AsyncIterator[Hall]:
    """Open what a service shares among its requests."""
    hall = Hall(Watch(desk), PageRenderer(), Admission(desk.settings.http), Errands())
    watching = asyncio.get_running_loop().create_task(hall.watch.run())
    try:
        yield hall
        await hall.errands.finish()
    finally:
        watching.cancel()
        await asyncio.wait([watching], timeout=_CLOSING_SECONDS)
        hall.renderer.close()
