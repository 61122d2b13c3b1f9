"""A prefix of a bucket on the local S3 server: a PUT is all it takes to announce a document."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Protocol, Self

from infra.errors import ServiceError
from infra.storage import Storage
from worker.inbox.names import is_document

_log = logging.getLogger(__name__)
# Looked back over when the log of changes is opened anew: an object told of twice is one document.
_OVERLAP = timedelta(seconds=30)
_PAUSE_SECONDS = 1.0


class Changes(Protocol):
    """Keys of created objects as they come, until stopped."""

    def __iter__(self) -> Iterator[str]:
        """Wait for keys; raises `ServiceError` when the log breaks off."""
        ...

    def stop(self) -> None:
        """End the iteration, from any thread."""
        ...


class Server(Protocol):
    """What is asked of the S3 server."""

    def follow(self, bucket: str, prefix: str = "", since: datetime | None = None) -> Changes:
        """Keys of objects created below `prefix` since a time."""
        ...


class BucketWatch:
    """Finds the documents below a prefix: all that lie there at the start, then each that is put there.

    Args:
        server: tells what changes.
        storage: the bucket, for the listing at the start.
        bucket: its name.
        prefix: with a slash at its end.
    """

    def __init__(self, server: Server, storage: Storage, bucket: str, prefix: str) -> None:
        self._server = server
        self._bucket = bucket
        self._prefix = prefix
        self._found: SimpleQueue[str] = SimpleQueue()
        self._new = Event()
        self._stopping = Event()
        self._since = datetime.now(UTC)
        self._changes = self._follow()
        # Followed before it is listed, so that nothing falls between the two.
        for found in storage.list(prefix):
            self._put(found.key)
        self._thread = Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a document is found."""
        self._new.wait(seconds)

    def poll(self) -> list[str]:
        """The whole keys of documents found since the last call; never waits."""
        self._new.clear()
        keys: dict[str, None] = {}
        with suppress(Empty):
            while True:
                keys[self._found.get_nowait()] = None
        return list(keys)

    def forget(self, key: str) -> None:
        """Have `key` found again: handing it on has failed."""
        self._found.put(key)

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._changes.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _run(self) -> None:
        """Take what the log tells until told to stop; whatever happens to the log, it is opened anew."""
        while not self._stopping.is_set():
            try:
                self._take()
            except ServiceError as error:
                _log.warning("the inbox is looked at anew: %s", error)
            except Exception:  # noqa: BLE001  -- without this thread, uploads would go unseen
                _log.exception("the inbox is looked at anew")
            self._stopping.wait(_PAUSE_SECONDS)
        self._changes.stop()  # it may have been opened while `stop` ended the one before

    def _take(self) -> None:
        """Take what the present log tells, then open another: a log ends only by breaking off."""
        try:
            for key in self._changes:
                self._since = datetime.now(UTC) - _OVERLAP
                self._put(key)
        finally:
            self._changes.stop()
            if not self._stopping.is_set():
                self._changes = self._follow()

    def _follow(self) -> Changes:
        return self._server.follow(self._bucket, self._prefix, self._since)

    def _put(self, key: str) -> None:
        if is_document(key.removeprefix(self._prefix)):
            self._found.put(key)
            self._new.set()
