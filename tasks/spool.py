"""Pages that were read while the storage took nothing: kept on disk, so that they are not read again.

A worker does not wait for a storage that is away: it gives the page back, its range is sent again after a
delay, and the page's files lie here meanwhile. They get to the storage in two ways, whichever is first: with
the range, when that comes to this host again, or by the parent process of a worker, which tries from time to
time. The range then finds the page written, on whatever host. Where neither happens in time, or the disk has
no room, the page is read once more: nothing is lost, and its result is created only once.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.errors import NotFound, StorageError
from infra.settings import QueueSettings
from infra.storage.directory_listing import TEMPORARY_PREFIX
from infra.storage.files import atomic_copy
from tasks.backoff import delay_seconds
from tasks.pagefiles import PageFiles
from tasks.records import PageFields

_log = logging.getLogger(__name__)
_SUFFIX = ".json"
_HALF_WRITTEN_SECONDS = 3600  # nobody writes one page for so long
_KEPT_SECONDS = 7 * 24 * 3600  # nobody waits for a page any longer


class SpooledPage(BaseModel):
    """A page that was read, and where its files belong.

    Attributes:
        folder: Of the document, in the bucket or root of the results.
        res: The pipeline's JSON.
        pictures: JPEG by name.
    """

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    folder: str
    generation: int
    number: int
    mode: str
    res: dict[str, Any]
    pictures: dict[str, bytes]


class Spool:
    """Files below `root`, at most `limit` bytes. Processes may share it: writing a page twice is no harm."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root / "spool"
        self._limit = limit

    def clean(self) -> None:
        """Remove what processes left that died while they kept a page."""
        for path in self._root.glob(f"{TEMPORARY_PREFIX}*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _HALF_WRITTEN_SECONDS:
                    path.unlink()

    def put(self, page: SpooledPage) -> bool:
        """Keep a page; False when there is no room. Raises `OSError`."""
        data = page.model_dump_json().encode()
        if sum(path.stat().st_size for path in self.paths()) + len(data) > self._limit:
            return False
        self._root.mkdir(parents=True, exist_ok=True)
        with atomic_copy(self._path(page.folder, page.generation, page.number)) as file:
            file.write(data)
        return True

    def write(self, files: PageFiles, number: int) -> PageFields | None:
        """Write a page that is kept here to the storage; returns what its JSON says, None without one."""
        path = self._path(files.folder.key, files.generation, number)
        page = self.read(path)
        if page is None:
            return None
        fields = files.write_page(number, page.res, page.pictures, page.mode)
        path.unlink(missing_ok=True)
        return fields

    def paths(self) -> Iterator[Path]:
        """Yield the files of all pages that are kept."""
        with suppress(FileNotFoundError):
            yield from sorted(self._root.glob(f"*{_SUFFIX}"))

    def read(self, path: Path) -> SpooledPage | None:
        """Read a page's file; one that is damaged or too old goes."""
        try:
            if time.time() - path.stat().st_mtime < _KEPT_SECONDS:
                return SpooledPage.model_validate_json(path.read_bytes())
        except FileNotFoundError:  # a neighbour was quicker
            return None
        except ValidationError:
            _log.exception("%s is damaged", path)
        path.unlink(missing_ok=True)
        return None

    def _path(self, folder: str, generation: int, number: int) -> Path:
        digest = hashlib.sha256(folder.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self._root / f"{digest}-{generation}-{number:05d}{_SUFFIX}"


class Emptying:
    """Brings what the spool keeps to the storage; called time and again, it waits longer after failures."""

    def __init__(
        self, spool: Spool, open_files: Callable[[str, int], PageFiles], queue: QueueSettings
    ) -> None:
        """Make one; `open_files` gives the page files of a document's folder and generation."""
        self._spool = spool
        self._open_files = open_files
        self._queue = queue
        self._tries = 0
        self._not_before = 0.0

    def __call__(self) -> int:
        """Try, unless it is too early after a failure; returns how many pages were written."""
        if time.monotonic() < self._not_before:
            return 0
        try:
            count = sum(self._write(path) for path in self._spool.paths())
        except (StorageError, OSError) as error:
            self._not_before = time.monotonic() + delay_seconds(self._queue, self._tries)
            self._tries += 1
            _log.warning("pages that were read wait for the storage: %s", error)
            return 0
        self._tries = 0
        return count

    def _write(self, path: Path) -> bool:
        page = self._spool.read(path)
        if page is None:
            return False
        files = self._open_files(page.folder, page.generation)
        try:
            files.storage.head(files.folder.request)
        except NotFound:  # somebody has removed the results: they must not come back
            path.unlink(missing_ok=True)
            return False
        return self._spool.write(files, page.number) is not None
