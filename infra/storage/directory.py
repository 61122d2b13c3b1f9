"""A directory as a storage, for one machine or a shared file system.

Objects are files, keys their paths below the root. A directory keeps neither content types nor metadata:
the type is told from the name's ending, metadata given to `create` is left out, `metadata` is empty. ETag and
version are the same text, made from size, time and inode: it names what a path holds now, and older contents
are gone. Temporary and lock files are named `.pageline-…` and do not show up in listings.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from filelock import FileLock

from infra.errors import AlreadyExists, Changed, InvalidKey, NotFound, PreconditionFailed, StorageError
from infra.storage.base import NO_CACHE, ObjectInfo, unheard
from infra.storage.checks import check_key, check_range
from infra.storage.directory_listing import LOCK_NAME, TEMPORARY_PREFIX, walk
from infra.storage.files import (
    atomic_copy,
    link_or_rename,
    make_folders,
    open_data,
    sync_folder,
    temporary_beside,
)
from infra.storage.location import Location
from infra.storage.os_errors import translated

_TYPES = MimeTypes(filenames=())  # not the machine's own tables: the same name has the same type everywhere
_LOCK_POLL_SECONDS = 0.01
_CHUNK_BYTES = 1 << 20


class DirectoryStorage:
    """The files below one directory, which need not exist until something is created.

    A key never leads out of the root: `.`, `..` and empty segments are refused, and so is every link whose
    target lies outside. (Whoever may rename directories while a call runs could still swap one for a link.)
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def head(self, key: str, version: str | None = None) -> ObjectInfo:
        """See `Storage.head`; a `version` that is not the current one raises `Changed`."""
        with translated(self._where(key)):
            return self._describe(key, self._resolve(key).stat(), version)

    def read(
        self, key: str, *, start: int | None = None, end: int | None = None, version: str | None = None
    ) -> bytes:
        """See `Storage.read`; a `version` that is not the current one raises `Changed`."""
        first, last = check_range(start, end)
        with translated(self._where(key)), self._open(key) as file:
            self._describe(key, os.fstat(file.fileno()), version)
            file.seek(first)
            return file.read(-1 if last is None else last - first)

    def fetch(
        self,
        key: str,
        path: Path,
        *,
        version: str | None = None,
        etag: str | None = None,
        told: Callable[[int], None] = unheard,
    ) -> ObjectInfo:
        """See `Storage.fetch`."""
        with translated(self._where(key)):
            opened = self._open(key)
        with opened as source:
            before = self._describe(key, os.fstat(source.fileno()), version, etag)
            told(before.size)
            with atomic_copy(path) as target:
                for chunk in self._chunks(key, source, before.size):
                    target.write(chunk)
                    told(target.tell())
                self._describe(key, os.fstat(source.fileno()), before.etag)
        return before

    def create(
        self,
        key: str,
        data: bytes | Path,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """See `Storage.create`."""
        del content_type, metadata, cache_control  # a directory keeps none of them, see above
        with open_data(data) as source, translated(self._where(key)):
            path = self._make_room(key)
            with temporary_beside(path, source) as temporary:
                try:
                    link_or_rename(temporary, path, self._lock())
                except FileExistsError as error:
                    if path.is_dir():
                        raise InvalidKey(f"{self._where(key)} is a folder") from error
                    raise AlreadyExists(f"{self._where(key)} exists already") from error
            sync_folder(path.parent)
            return self._describe(key, path.stat())

    def replace(
        self,
        key: str,
        data: bytes | Path,
        *,
        if_match: str | None,
        content_type: str,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """See `Storage.replace`; comparison and change happen under one lock of the whole root."""
        del content_type, cache_control  # a directory keeps neither, see above
        with open_data(data) as source, translated(self._where(key)):
            path = self._make_room(key)
            with temporary_beside(path, source) as temporary, self._lock():
                old = self._current(key)
                if if_match is not None:
                    self._check_match(key, old, if_match)
                if old is not None:
                    _make_younger(temporary, self._resolve(key).stat().st_mtime_ns)
                temporary.replace(path)
                info = self.head(key)
            sync_folder(path.parent)
            return info

    def list(self, prefix: str, *, start_after: str | None = None) -> Iterator[ObjectInfo]:
        """See `Storage.list`; a missing root lists as empty, links to directories are not entered."""
        with translated(self._where(prefix)):
            for key in walk(self._root, prefix, start_after):
                with suppress(
                    NotFound, InvalidKey
                ):  # gone since, or no plain file, or a link out of the root
                    yield self.head(key)

    def delete(self, key: str, *, version: str | None = None, etag: str | None = None) -> None:
        """See `Storage.delete`; folders that become empty stay."""
        with translated(self._where(key)), suppress(NotFound):
            self.head(key)
            with self._lock():
                self._describe(key, self._resolve(key).stat(), version, etag)
                self._plain_path(key).unlink(missing_ok=True)

    def copy(
        self, key: str, to: Location, *, version: str | None = None, etag: str | None = None
    ) -> ObjectInfo:
        """See `Storage.copy`."""
        with TemporaryDirectory(prefix=TEMPORARY_PREFIX) as scratch:
            path = Path(scratch, "copy")
            info = self.fetch(key, path, version=version, etag=etag)
            name, target = to.path.name, DirectoryStorage(to.path.parent)
            return target.create(name, path, content_type=info.content_type or "")

    def tag(self, key: str, tags: Mapping[str, str], *, version: str | None = None) -> None:
        """See `Storage.tag`: files have none."""
        del tags, version
        raise StorageError(f"{self._where(key)} is a file, and files have no tags")

    def _where(self, key: str) -> str:
        return f"{self._root}/{key}"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """The lock of the whole root, made when it is taken: most who create something never take it."""
        with FileLock(self._root / LOCK_NAME, poll_interval=_LOCK_POLL_SECONDS):
            yield

    def _plain_path(self, key: str) -> Path:
        check_key(key)
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise InvalidKey(
                f"'{key}' has an empty, '.' or '..' segment, which no path below a directory has"
            )
        return self._root / key

    def _resolve(self, key: str) -> Path:
        """Return a path of a key that follows no link out of the root; `InvalidKey` when one leads there."""
        path = self._plain_path(key)
        if not self._has_link(key):
            return path
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(self._root)):
            raise InvalidKey(f"{self._where(key)} leads out of {self._root}")
        return real

    def _has_link(self, key: str) -> bool:
        """Say whether any part of a key is a link; few are, and to resolve a whole path takes much longer."""
        place = os.fspath(self._root)
        for part in key.split("/"):
            place = f"{place}/{part}"
            try:
                if stat.S_ISLNK(os.lstat(place).st_mode):
                    return True
            except OSError:  # there is nothing, or nothing that can be seen: whoever uses the path is told
                return False
        return False

    def _open(self, key: str) -> BinaryIO:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer for ever.
        descriptor = os.open(self._resolve(key), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise NotFound(f"{self._where(key)} is no plain file")

    def _chunks(self, key: str, source: BinaryIO, size: int) -> Iterator[bytes]:
        """Yield `size` bytes, less at the file's end; somebody may be appending to it all the while."""
        while size > 0:
            with translated(self._where(key)):
                chunk = source.read(min(size, _CHUNK_BYTES))
            if not chunk:
                return
            size -= len(chunk)
            yield chunk

    def _describe(self, key: str, status: os.stat_result, *pins: str | None) -> ObjectInfo:
        """Describe a plain file; `NotFound` for others, `Changed` when one of `pins` is not its ETag."""
        if not stat.S_ISREG(status.st_mode):
            raise NotFound(f"{self._where(key)} is no plain file")
        info = _info(key, status)
        for pin in pins:
            if pin is not None and pin != info.etag:
                raise Changed(f"{self._where(key)} has changed: it is {info.etag}, not {pin}")
        return info

    def _current(self, key: str) -> ObjectInfo | None:
        try:
            return self.head(key)
        except NotFound:
            return None

    def _check_match(self, key: str, old: ObjectInfo | None, etag: str) -> None:
        if old is None:
            raise PreconditionFailed(f"{self._where(key)} is not there to be replaced")
        if old.etag != etag:
            raise PreconditionFailed(f"{self._where(key)} is {old.etag}, not {etag}: it was not replaced")

    def _make_room(self, key: str) -> Path:
        """Return where a key is to be written, with its folders made."""
        path = self._plain_path(key)
        self._resolve(key)
        try:
            make_folders(path.parent)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidKey(f"{self._where(key)} lies below a file, as if that were a folder") from error
        return path


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    etag = f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ino:x}"
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key, status.st_size, etag, etag, modified, _content_type(key))


def _content_type(key: str) -> str:
    return _TYPES.guess_type(f"file:{key}")[0] or "application/octet-stream"


def _make_younger(path: Path, than_ns: int) -> None:
    """Keep ETags apart where the clock's tick is long and the file system hands an inode out again."""
    status = path.stat()
    if status.st_mtime_ns <= than_ns:
        os.utime(path, ns=(status.st_atime_ns, than_ns + 1))
