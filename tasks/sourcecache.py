"""Sources on this host's disk: each is fetched once, and the oldest go when room is needed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from infra.storage import Storage
from infra.storage.base import unheard
from tasks.records import Source

_NAME_BYTES = 200
_LOCK_SECONDS = 1.0  # of waiting in one go for whoever fetches the same
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_KEPT = 0.9  # of the limit, once it is exceeded
# A look at all that is there costs the more, the more there is. This part of the room that is left may be
# filled by each process before the next; there are hardly more of them on a host.
_BETWEEN_LOOKS = 1 / 64
_BLOCK = 4096  # bytes that the smallest file takes
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
        self._unlooked = 0.0  # bytes that may come before the next look

    def clean(self) -> None:
        """Remove what earlier processes of the same worker were using when they died."""
        shutil.rmtree(self._used, ignore_errors=True)

    def scratch(self) -> Path:
        """Return a folder for what only this process needs; what it leaves there goes with `clean`."""
        return _made(self._used)

    @contextmanager
    def source(
        self,
        source: Source,
        tenant: str,
        open_storage: Callable[[str], Storage],
        told: Callable[[int], None] = unheard,
    ) -> Iterator[Path]:
        """Give a private path to the source, under its own name, while the context is open.

        `told` is told the size that is known, then what `Storage.fetch` tells, and 0 while another process
        fetches the same: what it raises ends the attempt.

        Raises what `Storage.fetch` raises: `NotFound`, `Changed`, and `OSError` for troubles of this host.
        """
        told(source.size or 0)
        place = self._fetched / _digest(source, tenant)
        name = file_name(source.key)
        mine = self._used / uuid.uuid4().hex
        mine.mkdir(parents=True)
        try:
            with self._locked(place, told):
                fresh = not (place / name).exists()
                if fresh:
                    self._fetch(source, open_storage(source.root), _made(place) / name, told)
                os.utime(place)
                _link(place / name, mine / name)
                if fresh:
                    self._make_room((place / name).stat().st_size, place)
            yield mine / name
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    @contextmanager
    def _locked(self, place: Path, told: Callable[[int], None]) -> Iterator[None]:
        """Keep other processes from fetching the same; whoever does that has a time limit of its own."""
        lock = FileLock(_made(self._locks) / f"{int(place.name[:8], 16) % _LOCKS:03d}.lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout:
                told(0)
        try:
            yield
        finally:
            lock.release()

    def _fetch(self, source: Source, storage: Storage, path: Path, told: Callable[[int], None]) -> None:
        """Copy a source; where the disk is full, once more without what nobody uses."""
        fetch = partial(storage.fetch, source.key, path, version=source.version, etag=source.etag, told=told)
        try:
            fetch()
        except OSError as error:
            if error.errno not in _FULL or not self._evict(keep=path.parent, room=0):
                raise
            fetch()

    def _make_room(self, size: int, keep: Path) -> None:
        """Count what was fetched, and now and then see to it that all of it fits."""
        self._unlooked -= max(size, _BLOCK)
        if self._unlooked < 0:
            self._evict(keep)

    def _evict(self, keep: Path, room: int | None = None) -> bool:
        """Remove the sources used least recently until the rest fits; says whether there were any.

        Processes keep their own links.
        """
        sizes = {place: _size(place) for place in self._fetched.iterdir()}
        total = sum(sizes.values())
        left = room if room is not None else self._limit * (_KEPT if total > self._limit else 1)
        self._unlooked = (left - min(total, left)) * _BETWEEN_LOOKS
        if total <= left:
            return False
        found = False
        for place in sorted(sizes, key=_modified, reverse=True):
            left -= sizes[place]
            if left < 0 and place != keep:
                found = True
                shutil.rmtree(place, ignore_errors=True)
        return found


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
