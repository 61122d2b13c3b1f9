"""Pid files that tell an orphan from a stranger, and reap it.

A process killed outright cannot stop what it has started. Whoever starts a service holds a lock for as long
as it runs; the system frees it when its holder dies, however it dies. So whoever gets the lock and finds a
pid file has found an orphan. The file has the process's start time as well as its id, because ids are used
again: a process of another start time is somebody else's and left alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from infra.errors import ServiceError

_POLL_SECONDS = 0.02
_REAP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its id, and when it started in whatever form the system tells it."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Return the identity of a live process; None when there is none (a zombie counts as none)."""
        started = _started(pid)
        return None if started is None else cls(pid, started)

    def alive(self) -> bool:
        """Say whether this very process still runs."""
        return Identity.of(self.pid) == self


class PidFile:
    """The claim to run one service, held from construction to `release`.

    Raises `ServiceError` when another live process holds the claim. An orphan of a dead one is ended first,
    with everything in its process group.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Not bound to this thread: a claim may be given up in another one.
        self._lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ServiceError(f"{path.parent} is in use by another running stack ({path.name})") from error
        self._reap()

    def record(self, pid: int) -> None:
        """Write down the process that was started. Raises `ServiceError` when it is gone already."""
        identity = Identity.of(pid)
        if identity is None:
            raise ServiceError(f"process {pid} ended before {self._path} could name it")
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"pid": identity.pid, "started": identity.started}))
        temporary.replace(self._path)

    def release(self) -> None:
        """Give up the claim, once; the service must have ended."""
        if self._lock.is_locked:
            self._path.unlink(missing_ok=True)
            self._lock.release()

    def _reap(self) -> None:
        orphan = _read(self._path)
        if orphan is not None:
            end_group(orphan, _REAP_SECONDS)
        self._path.unlink(missing_ok=True)


def end_group(process: Identity, grace: float) -> None:
    """End a process that is not our child: SIGTERM, and after `grace` seconds SIGKILL for its whole group."""
    _send(process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while process.alive():
        if time.monotonic() >= deadline:
            _send(process, signal.SIGKILL, group=True)
            deadline = time.monotonic() + grace
        time.sleep(_POLL_SECONDS)


def _send(process: Identity, number: signal.Signals, *, group: bool = False) -> None:
    if not process.alive():
        return
    with suppress(ProcessLookupError):
        if group and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)


def _read(path: Path) -> Identity | None:
    """Read a pid file; None when there is none, or when a crash left it unreadable."""
    try:
        content = json.loads(path.read_text())
        return Identity(int(content["pid"]), str(content["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _started(pid: int) -> str | None:
    return _started_linux(pid) if sys.platform == "linux" else _started_ps(pid)


def _started_linux(pid: int) -> str | None:
    """Return boot and clock ticks since, from `/proc` (proc(5))."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold blanks and parentheses; the state follows the last one.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def _started_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
