"""The beat of each worker of this host in a file, for probes: imports nothing heavy."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

_WARMING_SECONDS = 300.0  # in a row, however many processes have tried; beyond that it will not get warm


@dataclass(frozen=True, slots=True)
class Pulse:
    """One worker: what ails it, or None while it makes progress or idles warm (or is getting warm)."""

    worker: str
    ailment: str | None


def folder_of(work_dir: Path, name: str) -> Path:
    """Return the folder of a worker."""
    return work_dir / "workers" / name.replace(":", "-")


class PulseFile:
    """Where one worker's processes leave their beat."""

    def __init__(self, folder: Path, seconds: float) -> None:
        """Make it; a beat counts for `seconds`. A process that is not warm goes on from the one before it."""
        self._path = folder / "pulse.json"
        self._seconds = seconds
        self._lock = Lock()
        earlier = _read(self._path) or {}
        self._warming_since: float = earlier.get("warming_since") or time.time()

    def beat(self, heartbeat: dict[str, Any]) -> None:
        """Leave a beat: a `Heartbeat` as plain values; any thread may call."""
        now = time.time()
        warming = heartbeat["state"] == "warming"
        told = {
            "name": heartbeat["name"],
            "fresh_until": now + self._seconds,
            "warming_since": self._warming_since if warming else None,
            "doing": heartbeat["doing"],
        }
        beside = self._path.with_suffix(f".{os.getpid()}")
        with self._lock:
            beside.write_text(json.dumps(told), encoding="utf-8")
            beside.replace(self._path)


def pulses(work_dir: Path, name: str = "") -> list[Pulse]:
    """Look at the workers of this host and `work_dir` that live and whose names start with `name`."""
    start = name.replace(":", "-")
    return [_judged(worker, folder) for worker, folder in _living(work_dir) if worker.startswith(start)]


def _living(work_dir: Path) -> Iterator[tuple[str, Path]]:
    for claim in sorted((work_dir / "workers").glob(f"*@{socket.gethostname()}.*.lock")):
        folder = claim.with_suffix("")
        with suppress(ProcessLookupError, ValueError, PermissionError):
            os.kill(int(folder.name.rpartition(".")[2]), 0)
            yield folder.name, folder


def _judged(worker: str, folder: Path) -> Pulse:
    told, now = _read(folder / "pulse.json"), time.time()
    if told is None:
        return Pulse(worker, "it has no beat yet")
    name, silent = str(told["name"]), now - told["fresh_until"]
    if silent > 0:
        return Pulse(name, f"its last beat is {silent:.0f} s too old")
    since = told["warming_since"]
    if since is not None and now - since > _WARMING_SECONDS:
        return Pulse(name, f"it has not got warm for {now - since:.0f} s")
    for one in told["doing"]:
        if one["until"] is not None and now > one["until"]:
            return Pulse(name, f"{one['activity']} of document {one['document']} takes too long")
    return Pulse(name, None)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found
