"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from infra.storage.directory_listing import TEMPORARY_PREFIX

# What file systems without hard links answer (FAT, some network and phone storage).
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def atomic_copy(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes `path`, durable, when the block ends well, and is forgotten otherwise."""
    temporary = _temporary_name(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def open_data(data: bytes | Path) -> BinaryIO:
    """Open what is to be stored for reading."""
    return BytesIO(data) if isinstance(data, bytes) else data.open("rb")


@contextmanager
def temporary_beside(path: Path, source: BinaryIO) -> Iterator[Path]:
    """Yield a durable temporary copy of `source` in the folder of `path`, gone at the end unless renamed."""
    temporary = _temporary_name(path)
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def link_or_rename(temporary: Path, path: Path, lock: AbstractContextManager[object]) -> None:
    """Give `temporary` the name `path` unless that is taken: then `FileExistsError`, whoever else tries.

    A hard link does it in one step. Where there are none, `lock` makes one step of looking and renaming; as
    links are missing for everybody on such a file system, everybody takes the lock there.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with lock:
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, "exists", str(path)) from error
            temporary.rename(path)


def make_folders(folder: Path) -> None:
    """Make a folder and what is missing above it, each durable."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` survive a power cut, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _temporary_name(path: Path) -> Path:
    return path.with_name(TEMPORARY_PREFIX + secrets.token_hex(8))
