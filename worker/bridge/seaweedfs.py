"""The log of changes of a SeaweedFS filer, which has no bucket notifications."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import unquote, urlsplit

from infra.errors import BrokerUnavailable, InvalidEvent, ServiceError, SettingsError
from infra.status.cursors import Cursor
from infra.storage import Location, S3Options, open_storage
from worker.bridge.announcer import Announcer
from worker.bridge.patience import patiently
from worker.stack.follow import changes, tail_arguments
from worker.stack.weed import weed_command

_log = logging.getLogger(__name__)
_GRPC = 10_000  # SeaweedFS's own rule: above the HTTP port
_OVERLAP = timedelta(seconds=30)
_SAVE_SECONDS = 1.0
_STOP_SECONDS = 5.0


class LogBrokenOff(ServiceError):  # noqa: N818  -- it says what happened
    """The filer ended the log of its changes."""

    retryable: ClassVar[bool] = True


class FilerLog:
    """Changes below a bucket's prefix, followed from where an earlier bridge came to.

    How far that is, Redis knows. Whenever the log is opened, what was changed since is listed too: a server
    that was killed may have lost the last seconds of its log. At the first start everything is listed. What
    is thus told of twice is one document. The program that prints the log ends with the bridge; after a
    SIGKILL, with the next change.

    Args:
        url: `seaweedfs://HOST:PORT/BUCKET/PREFIX`, the filer's HTTP port; that for gRPC may follow it as
            `PORT.GRPCPORT`, as SeaweedFS writes it.
        options: The S3 server of the same SeaweedFS.
        cursor: Remembers how far this got.
        scratch: An existing folder where the program may look for its configuration and find none.

    Raises:
        SettingsError: the URL is none of these.
        ServiceError: the program `weed` is not installed.
    """

    def __init__(self, url: str, options: S3Options, cursor: Cursor, scratch: Path) -> None:
        self._host, self._ports, place = _parted(url)
        self._prefix = f"{place.key}/" if place.key else ""
        self._bucket = place.bucket
        self._storage = open_storage(place, options)
        self._cursor = cursor
        self._scratch = scratch
        self._command = weed_command(scratch)
        self._saved = 0.0

    def serve(self, announcer: Announcer) -> None:
        """Follow the log until an exception ends it, Ctrl-C and SIGTERM among them."""
        while True:
            patiently(lambda: self._follow(announcer))

    def _follow(self, announcer: Announcer) -> None:
        """Follow the log until it breaks off, which it does when the server ends."""
        before = self._cursor.load()
        now = datetime.now(UTC)
        since = (datetime.fromtimestamp(int(before) / 1e9, UTC) if before is not None else now) - _OVERLAP
        with self._log(since) as output:
            # Followed before it is listed, so that nothing falls between the two.
            self._list(announcer, since if before is not None else None)
            if before is None:
                self._save(int(now.timestamp() * 1e9))
            self._take(changes(output), announcer, int(since.timestamp() * 1e9))
        raise LogBrokenOff(f"the filer's log broke off; {self._scratch / 'weed.log'} may tell why")

    def _list(self, announcer: Announcer, since: datetime | None) -> None:
        for found in self._storage.list(self._prefix):
            if since is None or found.modified >= since:
                patiently(partial(announcer.announce, Location("s3", self._bucket, found.key)))

    def _take(self, told: Iterator[dict[str, Any]], announcer: Announcer, since: int) -> None:
        moment = since
        try:
            for change in told:
                if int(change["tsNs"]) < since:
                    continue
                patiently(partial(_take_one, announcer, change))
                moment = int(change["tsNs"])
                if time.monotonic() - self._saved > _SAVE_SECONDS:
                    self._save(moment)
        finally:
            if moment > since:
                self._save(moment)

    def _save(self, moment: int) -> None:
        """Remember how far this came; that Redis does not answer now means some more is told of twice."""
        try:
            self._cursor.save(str(moment))
            self._saved = time.monotonic()
        except BrokerUnavailable as error:
            _log.warning("it is not remembered how far the log was read: %s", error)

    @contextmanager
    def _log(self, since: datetime) -> Iterator[IO[bytes]]:
        path = f"/buckets/{self._bucket}/{self._prefix}"
        with (self._scratch / "weed.log").open("wb") as log:
            process = subprocess.Popen(
                [*self._command, *tail_arguments(self._ports, path, since, self._host)],
                env={},
                cwd=self._scratch,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
            assert process.stdout is not None  # noqa: S101  -- a pipe was asked for
            try:
                with process.stdout as output:
                    yield output
            finally:
                _end(process)


def _take_one(announcer: Announcer, change: dict[str, Any]) -> None:
    try:
        announcer.take(change)
    except InvalidEvent as error:
        _log.warning("a change is passed over: %s", error)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _parted(url: str) -> tuple[str, dict[str, int], Location]:
    """Return the filer's host, its ports as `tail_arguments` wants them, and the place in S3."""
    parts = urlsplit(url)
    host, _, ports = parts.netloc.partition(":")
    port, _, grpc = ports.partition(".")
    path = unquote(parts.path).strip("/")
    if not host or not port.isdecimal() or not (grpc or "0").isdecimal() or not path:
        raise SettingsError(f"{url} is no filer's bucket; expected seaweedfs://HOST:PORT/BUCKET/PREFIX")
    told = {"filer.port": int(port), "filer.port.grpc": int(grpc) if grpc else int(port) + _GRPC}
    return host, told, Location.parse(f"s3://{path}")
