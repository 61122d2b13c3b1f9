"""Has pages that were read on this host written as soon as the storage takes them."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable

from infra.settings import Settings
from tasks.context import storage_at
from tasks.pagefiles import PageFiles, page_files
from tasks.places import Folder
from tasks.spool import Emptying, Spool


def spool_rhythm(settings: Settings) -> str:
    """Name the rhythm that one of the workers who share this host's scratch space leads."""
    place = f"{socket.gethostname()}:{settings.work_dir}"
    return f"spool:{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def emptying(settings: Settings) -> Callable[[], int]:
    """Return what tries to empty the spool; the storage is opened only when there is something in it."""

    def open_files(folder: str, generation: int) -> PageFiles:
        return page_files(storage_at(settings.results, settings.s3), Folder(folder), generation)

    return Emptying(Spool(settings.work_dir, settings.spool_bytes), open_files, settings.queue)
