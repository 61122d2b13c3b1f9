"""Tasks run in the test's own process: messages are collected, and run when the test says so."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from crew import write_pdf

from infra.settings import Settings
from infra.status import DocumentStatus, Heartbeat, Store, open_store
from pipelines import create_pipeline
from tasks import entry
from tasks.context import Context, Tools, install
from tasks.heart import Heart
from tasks.ingest import ingest
from tasks.places import Folder
from tasks.queues import FINALIZE, INGEST, PAGES, SPLIT
from tasks.records import DocumentRef
from tasks.sourcecache import SourceCache

_TASKS: dict[str, Any] = {
    INGEST: entry.ingest,
    SPLIT: entry.split,
    PAGES: entry.pages,
    FINALIZE: entry.finalize,
}


class Desk:
    """A context, and the messages that its tasks send."""

    def __init__(self, settings: Settings, inbox: Path) -> None:
        self.settings = settings
        self.inbox = inbox
        self.store: Store = open_store(settings)
        self.messages: deque[tuple[str, list[Any], str]] = deque()
        self.drain = False
        self.tools = Tools(settings, self.store, lambda *message: self.messages.append(message))
        heart = Heart(self.store.status, settings.queue, worker="w", say=lambda busy: None)
        cache = SourceCache(settings.work_dir, settings.cache_bytes, worker="w")
        pipeline = create_pipeline("OCR", engine="fake")
        self.context = Context(self.tools, heart, cache, lambda: self.drain, pipeline)
        install(self.context)

    def pdf(self, name: str = "a.pdf", pages: int = 3) -> Path:
        """Put a document into the inbox."""
        return write_pdf(self.inbox / name, pages)

    def ref(self, key: str = "a.pdf", **fields: Any) -> DocumentRef:
        """An announcement of a document of the inbox."""
        return DocumentRef(source=f"file://{self.inbox}", key=key, **fields)

    def ingest(self, key: str = "a.pdf", **fields: Any) -> str:
        """Ingest a document; its id."""
        found = ingest(self.context, self.ref(key, **fields))
        assert found is not None
        return found

    def work(self, *, until: str | None = None, limit: int = 200) -> None:
        """Run messages as they come, until none is left, or one of the task `until` would be next."""
        for _ in range(limit):
            if not self.messages or self.messages[0][0] == until:
                return
            self.step()
        raise AssertionError(f"messages never end: {self.messages}")

    def step(self) -> None:
        """Run the next message."""
        task, arguments, _ = self.messages.popleft()
        _TASKS[task](*arguments)

    def document(self, document: str) -> DocumentStatus:
        """A document that Redis knows."""
        found = self.store.listing.document(document)
        assert found is not None
        return found

    def folder(self, document: str) -> Folder:
        """Keys of a document's results."""
        return Folder(self.document(document).folder)

    def path(self, key: str) -> Path:
        """Where a result lies."""
        return Path(self.settings.results.removeprefix("file://"), key)

    def worker(self, kind: str = "cpu", **fields: Any) -> None:
        """Have a worker say that it lives."""
        beat = {"host": "h", "pid": 1, "device": kind, "kind": kind, "state": "idle", "started": 0.0}
        self.store.fleet.beat(Heartbeat.model_validate({"name": f"{kind}-worker", **beat, **fields}))
