"""Tasks run in the test's own process: messages are collected, and run when the test says so."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from crew import QUICK, write_pdf

from infra.settings import Settings, load_settings
from infra.status import DocumentStatus, Heartbeat, Store, open_store
from infra.status.work import DocumentStep
from pipelines import create_pipeline
from tasks import entry
from tasks.context import Context, Tools, install
from tasks.heart import Heart
from tasks.ingest import ingest
from tasks.places import Folder
from tasks.queues import DELIVER, FINALIZE, INGEST, PAGES, SPLIT
from tasks.rebuild import rebuild_some
from tasks.reconcile import reconcile
from tasks.records import DocumentRef
from tasks.sourcecache import SourceCache
from tasks.spool import Spool
from tasks.sweep import sweep

_TASKS: dict[str, Any] = {
    INGEST: entry.ingest,
    SPLIT: entry.split,
    PAGES: entry.pages,
    FINALIZE: entry.finalize,
    DELIVER: entry.deliver,
}


class Counting:
    """A pipeline that counts how often it reads each page."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.pages_at_once: int = pipeline.pages_at_once
        self.reads: Counter[int] = Counter()

    def predict(self, page: Any, **options: Any) -> Iterator[Any]:
        self.reads[page.number] += 1
        yield from self._pipeline.predict(page, **options)


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
        cache = SourceCache(settings.work_dir, settings.cache_bytes, used=settings.work_dir / "used")
        self.pipeline = Counting(create_pipeline("OCR", engine="fake"))
        spool = Spool(settings.work_dir, settings.spool_bytes)
        self.context = Context(self.tools, heart, cache, spool, lambda: self.drain, self.pipeline)
        install(self.context)

    def pdf(self, name: str = "a.pdf", pages: int = 3) -> Path:
        """Put a document into the inbox."""
        return write_pdf(self.inbox / name, pages)

    def ref(self, key: str = "a.pdf", **fields: Any) -> DocumentRef:
        """An announcement of a document of the inbox."""
        return DocumentRef(source=f"file://{self.inbox}", key=key, **fields)

    def ingest(self, key: str = "a.pdf", **fields: Any) -> str:
        """Ingest a document of the inbox; its id."""
        return self.take(self.ref(key, **fields))

    def take(self, ref: DocumentRef) -> str:
        """Ingest a document; its id."""
        found = ingest(self.context, ref)
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

    def lose(self) -> None:
        """Have Redis lose everything, messages too."""
        self.messages.clear()
        for key in self.store.client.scan_iter(f"{self.settings.key_prefix}*"):
            self.store.client.delete(key)

    def lose_documents(self) -> None:
        """Have Redis lose what it knows of documents, and nothing else."""
        for key in self.store.client.scan_iter(f"{self.settings.key_prefix}doc:*"):
            self.store.client.delete(key)

    def snapshot(self) -> dict[bytes, bytes]:
        """What Redis holds."""
        with self._raw() as client:
            keys: Any = client.scan_iter(f"{self.settings.key_prefix}*")
            return {key: data for key in keys if (data := client.dump(key)) is not None}

    def roll_back(self, snapshot: dict[bytes, bytes]) -> None:
        """Have Redis hold what it held before, and no message arrive that was sent since."""
        self.lose()
        with self._raw() as client:
            for key, data in snapshot.items():
                client.restore(key, 0, data, replace=True)

    def _raw(self) -> redis.Redis:
        return redis.Redis.from_url(self.settings.redis_url)

    def kill(self, step: DocumentStep, *, times: int) -> None:
        """Have a step end its process so many times."""
        for _ in range(times):
            self.store.status.claim(step, "dead#1#1")
            self.store.status.forfeit("dead", 2)
            self.messages.clear()
            sweep(self.tools)

    def long_ago(self) -> None:
        """Have everything that waits for some time to pass have waited for that."""
        prefix, client = self.settings.key_prefix, self.store.client
        released = map(str, client.scan_iter(f"{prefix}released:*"))
        for key in (f"{prefix}docs:active", f"{prefix}leases", f"{prefix}delayed", *released):
            for member in map(str, client.zrange(key, 0, -1)):
                client.zadd(key, {member: 1})
        client.delete(f"{prefix}swept")

    def due(self) -> None:
        """Have everything that was delayed come due, and sent."""
        key = f"{self.settings.key_prefix}delayed"
        for text in map(str, self.store.client.zrange(key, 0, -1)):
            self.store.client.zadd(key, {text: 0})
        sweep(self.tools)

    def rebuild(self) -> int:
        """Look through the storage, all of it, as a control worker does."""
        self.store.passes.forget()
        count = rebuild_some(self.tools, self.context.results)
        while (state := self.store.passes.load()) is not None and state.cursor is not None:
            count += rebuild_some(self.tools, self.context.results)
        return count

    def recover(self) -> None:
        """Do everything that brings lost work back, and the work, until nothing is left to do."""
        for _ in range(20):
            self.long_ago()
            self.rebuild()
            sweep(self.tools)
            reconcile(self.tools)
            if not self.messages:
                return
            self.work()
        raise AssertionError(f"there is no end: {self.documents()}")

    def documents(self) -> list[DocumentStatus]:
        """All documents that Redis knows."""
        return self.store.listing.recent()

    def manifest(self, document: str) -> dict[str, Any]:
        """A document's manifest."""
        found: dict[str, Any] = json.loads(self.path(self.folder(document).manifest).read_bytes())
        return found

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


@contextmanager
def desk_at(folder: Path, broker_url: str, **values: Any) -> Iterator[Desk]:
    """A desk below `folder`, with a prefix of its own; `values` are settings that win over the usual ones."""
    inbox = folder / "in"
    inbox.mkdir()
    given = {
        "broker_url": broker_url,
        "key_prefix": f"{folder.name}:",
        "results": str(folder / "out"),
        "sources": [str(inbox)],
        "work_dir": folder / "work",
        "defaults": {"visualize": False},
        "queue": QUICK,
    }
    desk = Desk(load_settings({**given, **values}), inbox)
    yield desk
    desk.lose()
    desk.store.close()
