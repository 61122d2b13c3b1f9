"""New objects of a SeaweedFS bucket as they come, told by its filer's log of changes.

SeaweedFS knows no bucket notifications; `weed filer.meta.tail` prints the log instead, from any time on, and
goes on printing. It asks over gRPC, which the token that closes the filer's HTTP port does not guard.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from infra.errors import ServiceError
from worker.stack.ports import LOOPBACK
from worker.stack.weed import weed_command

_BUCKETS = "/buckets"
_STOP_SECONDS = 5.0
_MARGIN_SECONDS = 60.0


class Follower:
    """An iterator over the keys of objects created or replaced under a prefix; a key comes once a change.

    Its `stop`, which any thread may call, ends the iteration. When the log breaks off by itself, the
    iteration raises `ServiceError`; a new follower from the time of the last key misses nothing. Changes
    of the last seconds before a server was killed may be missing from its log: list once after a start.
    """

    def __init__(
        self, directory: Path, ports: dict[str, int], bucket: str, prefix: str, since: datetime
    ) -> None:
        configuration = directory / "config"
        self._root = f"{_BUCKETS}/{bucket}/"
        self._prefix = prefix
        self._stopped = False
        self._since_ns = int(since.timestamp() * 1e9)
        self._log = (directory / f"follow-{bucket}.log").open("wb")
        self._process = subprocess.Popen(
            weed_command(configuration, *tail_arguments(ports, self._root + prefix, since)),
            env={},
            cwd=configuration,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self._keys = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._keys

    def __next__(self) -> str:
        return next(self._keys)

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        self._stopped = True
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> Iterator[str]:
        if self._process.stdout is None:
            raise AssertionError
        with self._process.stdout as output:
            for change in changes(output):
                key = created_key(change, self._root)
                if key is not None and key.startswith(self._prefix) and int(change["tsNs"]) >= self._since_ns:
                    yield key
        if not self._stopped:
            raise ServiceError(f"the log of changes broke off; {self._log.name} may tell why")


def created_key(change: dict[str, Any], root: str) -> str | None:
    """Return the key of the object that a change created or replaced; None for any other change.

    `root` is the bucket's folder in the filer, with a slash at its end. Parts of unfinished uploads are
    files below `.uploads`, and no objects yet.
    """
    event = change["eventNotification"]
    entry = event["newEntry"]
    if entry is None or entry["isDirectory"]:
        return None
    path = f"{event['newParentPath']}/{entry['name']}"
    key = path.removeprefix(root)
    return None if key == path or key.startswith(".uploads/") else key


def changes(output: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Split the printed log: one indented JSON object a change, each ended by a brace in the first column."""
    lines: list[bytes] = []
    for line in output:
        lines.append(line)
        if line.rstrip() == b"}":
            with suppress(ValueError):  # cut off in the middle, when the program was ended
                yield json.loads(b"".join(lines))
            lines = []


def tail_arguments(ports: dict[str, int], path: str, since: datetime, host: str = LOOPBACK) -> list[str]:
    """Return the program's arguments for all changes below `path` (by text) since a little before a time."""
    # The program counts back from its own start, a moment from now; what comes too early is left out later.
    ago = max(0.0, (datetime.now(UTC) - since).total_seconds()) + _MARGIN_SECONDS
    filer = f"{host}:{ports['filer.port']}.{ports['filer.port.grpc']}"
    return ["filer.meta.tail", f"-filer={filer}", f"-pathPrefix={path}", f"-timeAgo={ago:.3f}s"]
