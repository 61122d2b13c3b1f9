"""Sources on this host's disk: each is fetched once, and the oldest go when room is needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock

from infra.storage import Storage
from tasks.records import Source

_NAME_BYTES = 200
_LOCKS = 256  # files that guard fetching; sources share them, so that they do not grow in number


class SourceCache:
    """Files below `root`, at most `limit` bytes besides those in use. Processes may share it.

    The folder `used` is for the processes, one after the other, of one worker alone.
    """

    def __init__(self, root: Path, limit: int, *, used: Path) -> None:
        self._fetched = root / "sources"
        self._locks = root / "locks"
        self._used = used
        self._limit = limit

    def clean(self) -> None:
        """Remove what earlier processes of the same worker were using when they died."""
        shutil.rmtree(self._used, ignore_errors=True)

    def scratch(self) -> Path:
        """Return a folder for what only this process needs; what it leaves there goes with `clean`."""
        return _made(self._used)

    @contextmanager
    def source(self, source: Source, tenant: str, open_storage: Callable[[str], Storage]) -> Iterator[Path]:
        """Give a private path to the source, under its own name, while the context is open.

        Raises what `Storage.fetch` raises: `NotFound`, `Changed`, and `OSError` for troubles of this host.
        """
        place = self._fetched / _digest(source, tenant)
        name = file_name(source.key)
        mine = self._used / uuid.uuid4().hex
        mine.mkdir(parents=True)
        try:
            with self._lock(place):
                if not (place / name).exists():
                    storage = open_storage(source.root)
                    storage.fetch(source.key, _made(place) / name, version=source.version, etag=source.etag)
                os.utime(place)
                _link(place / name, mine / name)
                self._evict(keep=place)
            yield mine / name
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    def _lock(self, place: Path) -> FileLock:
        return FileLock(_made(self._locks) / f"{int(place.name[:8], 16) % _LOCKS:03d}.lock")

    def _evict(self, keep: Path) -> None:
        """Remove the sources used least recently until the rest fits; processes keep their own links."""
        places = sorted(self._fetched.iterdir(), key=_modified, reverse=True)
        room = self._limit
        for place in places:
            room -= _size(place)
            if room < 0 and place != keep:
                shutil.rmtree(place, ignore_errors=True)


def file_name(key: str) -> str:
    """Return the last segment of a key as a file name that every system takes; its ending is kept."""
    name = key.rsplit("/", 1)[-1]
    plain = "".join(char if char.isprintable() and char not in '\\:*?"<>|' else "_" for char in name)
    suffix = PurePosixPath(plain).suffix
    stem = plain.removesuffix(suffix)
    room = _NAME_BYTES - len(suffix.encode())
    if room < 1:
        stem, suffix, room = plain, "", _NAME_BYTES
    cut = stem.encode()[:room].decode(errors="ignore").strip(". ")
    return f"{cut or 'document'}{suffix}"


def _digest(source: Source, tenant: str) -> str:
    parts = (tenant, source.root, source.key, source.version or "", source.etag or "")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _modified(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except FileNotFoundError:  # evicted by a neighbour
        return 0.0


def _size(place: Path) -> int:
    try:
        return sum(file.stat().st_size for file in place.iterdir())
    except FileNotFoundError:
        return 0
