"""The files of one page: pictures first, then its JSON, each created once; what is there is adopted.

Only the JSON is ever replaced, and only by a generation that was begun to read the page again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.errors import AlreadyExists
from infra.status.states import PageState
from infra.storage import Storage
from infra.storage.base import IMMUTABLE, NO_CACHE
from tasks.encoding import MEDIA_TYPES, form_of
from tasks.ledger import read_manifest, read_reopening
from tasks.places import Folder
from tasks.records import FailedPage, PageFields, Reopening, StoredFile
from tasks.replacing import create_or_replace

Cause = Literal["input", "processing"]
_PART_BYTES = 8 << 20
_DAMAGED = "The page's stored result is damaged."


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The files of a document's pages as one generation of it sees and writes them.

    Attributes:
        reopening: What this generation reads again; None for the first, which adopts whatever there is.
    """

    storage: Storage
    folder: Folder
    generation: int = 1
    reopening: Reopening | None = None

    def settled(self, first: int, last: int) -> Iterator[tuple[int, PageFields]]:
        """Yield the pages `first` to `last` that need no reading, with what their JSON says."""
        for number in written_pages(self.storage, self.folder, first, last):
            content, _ = read_page(self.storage, self.folder, number)
            fields = PageFields.model_validate(content)
            if not self.repeats(number, fields):
                yield number, fields

    def write_page(
        self, number: int, res: Mapping[str, Any], pictures: Mapping[str, bytes], mode: str
    ) -> PageFields:
        """Write a page that was read: the pipeline's JSON `res`, and pictures as they were encoded.

        Returns what its JSON says, ours or an earlier one.
        """
        stored = [self._write_picture(number, name, data) for name, data in pictures.items()]
        fields = PageFields(state="done", mode=mode, generation=self.generation, pictures=stored)
        return self._write(number, {**res, **fields.model_dump(mode="json")})

    def write_failure(self, number: int, reason: str, *, cause: Cause, mode: str = "normal") -> PageFields:
        """Write the record of a page that cannot be read; returns what its JSON says then."""
        record = FailedPage(
            reason=reason, cause=cause, mode=mode, generation=self.generation, page={"number": number}
        )
        return self._write(number, record.model_dump(mode="json"))

    def repeats(self, number: int, fields: PageFields) -> bool:
        """Say whether this generation reads a page again though `fields` is stored for it."""
        return self.reopening is not None and self.reopening.repeats(number, fields)

    def _write_picture(self, number: int, name: str, data: bytes) -> StoredFile:
        form = form_of(data)
        key = self.folder.picture(number, name, form)
        try:
            self.storage.create(key, data, content_type=MEDIA_TYPES[form], cache_control=IMMUTABLE)
        except AlreadyExists:
            data = self.storage.read(key)
        return stored_file(key, data)

    def _write(self, number: int, content: Mapping[str, Any]) -> PageFields:
        def kept() -> PageFields | None:
            found = PageFields.model_validate(read_page(self.storage, self.folder, number)[0])
            return None if self.repeats(number, found) else found

        data = json.dumps(content, ensure_ascii=False).encode()
        key = self.folder.page(number)
        # A failed page may be read again, and then it is another.
        cache = IMMUTABLE if content["state"] == "done" else NO_CACHE
        found = create_or_replace(
            self.storage, key, data, content_type="application/json", kept=kept, cache_control=cache
        )
        return found or PageFields.model_validate(content)


def page_files(storage: Storage, folder: Folder, generation: int) -> PageFiles:
    """Return the page files of a generation, with what it reads again."""
    reopening = read_reopening(storage, folder) if generation > 1 else None
    if reopening is not None and reopening.generation != generation:
        reopening = None  # this generation is over, or was never announced
    return PageFiles(storage, folder, generation, reopening)


def read_page(storage: Storage, folder: Folder, number: int) -> tuple[dict[str, Any], StoredFile]:
    """Read a page's JSON, and say which file it is; a damaged one counts as failed. Raises `NotFound`."""
    key = folder.page(number)
    data = storage.read(key)
    try:
        content: dict[str, Any] = json.loads(data)
        PageFields.model_validate(content)
    except ValueError:
        content = FailedPage(reason=_DAMAGED, cause="processing", page={"number": number}).model_dump(
            mode="json"
        )
    return content, stored_file(key, data)


def written_pages(storage: Storage, folder: Folder, first: int, last: int) -> Iterator[int]:
    """Yield the numbers of pages `first` to `last` whose JSON exists, with one listing."""
    for info in storage.list(folder.pages, start_after=folder.page_start(first)):
        number = folder.page_number(info.key)
        if number is not None and number > last:
            return
        if number is not None:
            yield number


def earlier_pages(files: PageFiles, wanted: Collection[int]) -> Iterator[tuple[int, PageState, str]]:
    """Yield the pages that the manifest of an earlier generation settles, unless they are to be read again.

    With each comes its state, and why it failed. None are where it has other pages than are `wanted`.
    """
    manifest = read_manifest(files.storage, files.folder) if files.generation > 1 else None
    if manifest is None or {entry.number for entry in manifest.pages} != set(wanted):
        return
    left = left_unread(files)
    for entry in manifest.pages:
        if entry.number in left:
            yield entry.number, PageState.SKIPPED, ""
        elif entry.state != "cancelled" and entry.result is not None:
            fields = PageFields(state=entry.state, reason=entry.reason)
            if not files.repeats(entry.number, fields):
                yield entry.number, state_of(fields), entry.reason or ""


def left_unread(files: PageFiles) -> frozenset[int]:
    """Return the pages that somebody cancelled and that this generation leaves so: a repair only mends."""
    reopening = files.reopening
    if reopening is None or reopening.failed:
        return frozenset()
    manifest = read_manifest(files.storage, files.folder)
    cancelled = (entry.number for entry in manifest.pages if entry.state == "cancelled") if manifest else ()
    return frozenset(number for number in cancelled if not reopening.names(number))


def state_of(fields: PageFields) -> PageState:
    """Return the state a page's JSON tells of."""
    return PageState.DONE if fields.state == "done" else PageState.FAILED


def stored_object(storage: Storage, key: str) -> StoredFile:
    """Describe a file of any size by its content, read in parts. Raises `NotFound`."""
    digest, size = hashlib.sha256(), 0
    part = storage.read(key, end=_PART_BYTES)
    while True:
        digest.update(part)
        size += len(part)
        if len(part) < _PART_BYTES:
            break
        part = storage.read(key, start=size, end=size + _PART_BYTES)
    return StoredFile(name=key.rsplit("/", 1)[-1], key=key, size=size, sha256=digest.hexdigest())


def stored_file(key: str, data: bytes) -> StoredFile:
    """Describe a file by its content."""
    name = key.rsplit("/", 1)[-1]
    return StoredFile(name=name, key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest())
