"""A service on a real socket, in a thread of the tests, with a real queue and real workers behind it."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from crew import Site, wait_for

from infra.settings import Settings
from infra.status.states import TERMINAL
from worker.http.app import build
from worker.http.desk import open_desk
from worker.http.serving import address_of, listening

_ENDING_SECONDS = 20  # for a service that was told to end


class Service:
    """A service, a client of it, and the site it serves."""

    def __init__(self, settings: Settings, place: Site | None, url: str) -> None:
        self.settings = settings
        self._site = place
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=60)

    @property
    def site(self) -> Site:
        """The workers behind it."""
        assert self._site is not None
        return self._site

    def submit(self, path: Path, **options: Any) -> dict[str, Any]:
        """Upload a document; its summary."""
        with path.open("rb") as file:
            answer = self.http.post("/v1/documents", files={"file": (path.name, file)}, data=options)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ended(self, document: str) -> dict[str, Any]:
        """Wait until a document has ended; what is known of it."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.http.get(f"/v1/documents/{document}").json()
            return found if found["state"] in TERMINAL else None

        return wait_for(look, f"the end of {document}")

    def read(self, path: Path, **options: Any) -> dict[str, Any]:
        """Upload a document and wait until it has been read."""
        return self.ended(self.submit(path, **options)["id"])


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serving)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """End a service that does not end by itself, and say what it was waiting for."""
    tasks = asyncio.all_tasks(loop)
    waiting = "\n".join(f"{task.get_name()}: {task.get_coro()} {task.get_stack()}" for task in tasks)
    warnings.warn(f"a service was still waiting after {_ENDING_SECONDS} s:\n{waiting}", stacklevel=2)
    for task in tasks:
        loop.call_soon_threadsafe(task.cancel)


@contextmanager
def served(settings: Settings, place: Site | None = None) -> Iterator[Service]:
    """A service while the context is open."""
    with open_desk(settings) as desk, listening(settings) as link:
        config = uvicorn.Config(build(desk), log_config=None, lifespan="on", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(loop, server.serve([link])))
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive(), "the service")
            yield Service(settings, place, address_of(link))
        finally:
            server.should_exit = True
            thread.join(_ENDING_SECONDS)
            if thread.is_alive():
                _end(loop)
                thread.join()
