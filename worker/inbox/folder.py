"""A watched folder: a file is announced once it has stopped changing.

Polling, not the kernel's notifications: it works on every system and on network shares, and what was put
there while nobody watched is found as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from worker.inbox.names import is_document


class Fingerprint(NamedTuple):
    """What tells one state of a file from another: bytes, nanoseconds since the epoch, inode."""

    size: int
    modified: int
    inode: int


class FolderWatch:
    """Finds the files of a folder that are complete and have not been announced yet.

    A file is complete when size, time and inode are the same in two polls running, so a file that is being
    copied waits. It is announced again when it changes. What was announced is kept in memory only: a restart
    announces everything once more, and ingest knows documents it has seen.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: dict[str, Fingerprint] = {}
        self._announced: dict[str, Fingerprint] = {}

    def wait(self, seconds: float) -> None:
        """Wait so long: nothing tells of files."""
        time.sleep(seconds)

    def poll(self) -> list[str]:
        """Look once; the keys (paths with `/`, relative to the root) of files that are complete and new."""
        now = dict(documents(self.root))
        ready = [
            key
            for key, state in now.items()
            if self._seen.get(key) == state and self._announced.get(key) != state
        ]
        self._seen = now
        # Files that have gone are forgotten, so that neither table outgrows the folder.
        self._announced = {key: state for key, state in self._announced.items() if key in now}
        self._announced.update((key, now[key]) for key in ready)
        return ready

    def forget(self, key: str) -> None:
        """Have `key` announced again at the next poll: handing it on has failed."""
        self._announced.pop(key, None)


def documents(root: Path) -> Iterator[tuple[str, Fingerprint]]:
    """The documents under `root` in the order of their keys, folder by folder.

    Links to files are followed, links to folders are not (they can form a circle). Files that vanish while
    the folder is listed are left out.
    """
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            key = path.relative_to(root).as_posix()
            if is_document(key) and (state := _fingerprint(path)) is not None:
                yield key, state


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if not S_ISREG(found.st_mode):
        return None
    return Fingerprint(found.st_size, found.st_mtime_ns, found.st_ino)
