"""Folders for stacks that live for one command, and the removal of what killed ones have left behind."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from infra.errors import ServiceError
from worker.stack.pidfile import PidFile

_CLAIM = "owner.lock"


@contextmanager
def scratch_folder(base: Path | None = None) -> Iterator[Path]:
    """A fresh folder of this user alone, removed afterwards.

    Before that, processes and folders of commands that were killed outright are done away with.

    Args:
        base: where the folders are; a place of this user below the system's folder for temporary files.

    Raises:
        ServiceError: somebody else owns the place.
    """
    base = _own_folder(Path(tempfile.gettempdir(), f"pageline-{os.getuid()}") if base is None else base)
    clear_leftovers(base)
    unclaimed = Path(tempfile.mkdtemp(prefix="new-", dir=base))
    with FileLock(unclaimed / _CLAIM):
        # It gets the name that others look for only now that they can see it claimed.
        folder = unclaimed.rename(base / unclaimed.name.replace("new-", "run-", 1))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(base: Path) -> None:
    """End the processes and remove the folders below `base` whose owner no longer lives."""
    for folder in base.glob("run-*"):
        claim = FileLock(folder / _CLAIM, timeout=0)
        try:
            claim.acquire()
        except (Timeout, FileNotFoundError):  # somebody works in it, or has just removed it
            continue
        with claim:
            for path in folder.rglob("*.pid"):
                PidFile(path).release()  # to claim it is to end the orphan it names
            shutil.rmtree(folder, ignore_errors=True)


def _own_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise ServiceError(f"{folder} is not a folder that only this user may write to; remove or rename it")
    return folder
