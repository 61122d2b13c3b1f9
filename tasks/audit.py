"""Compares a document's records with its files: whether everything that was promised lies in storage.

Only storage is asked. A page that failed with a recorded reason is complete; one that is missing is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum

from infra.errors import NotFound
from infra.storage import Storage
from tasks.ledger import RequestLost, read_manifest, read_request
from tasks.pagefiles import stored_object
from tasks.places import Folder
from tasks.records import Manifest, PageEntry, StoredFile
from tasks.selection import wanted_between
from tasks.walk import Entry


class Fault(StrEnum):
    """What kind of problem it is."""

    OPEN = "open"  # it has no manifest that can be read, or is being worked on again
    RECORD = "record"  # request.json cannot be read, or document.json contradicts itself
    MISSING = "missing"  # a file that the manifest names is not there
    DIFFERS = "differs"  # a file is not the one that the manifest names
    STRAY = "stray"  # a page's JSON that the manifest does not name
    UNREAD = "unread"  # a source that no document was made of


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Attributes:
        sentence: What it is, for people.
        page: The page it is about; None for the document as a whole.
        picture: Of a picture, its key: it must go before the page can be written again.
    """

    fault: Fault
    sentence: str
    page: int | None = None
    picture: str | None = None


@dataclass(slots=True)
class Audited:
    """What was found of one document.

    Attributes:
        source: Where it came from; its folder where the request cannot be read.
        etag: Of the source that was read.
        pages: Pages in the manifest.
        failed: Those of them that failed, with a reason.
    """

    folder: Folder
    source: str
    etag: str | None = None
    state: str | None = None
    pages: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)


def audit_document(storage: Storage, entry: Entry, pool: Executor) -> Audited:
    """Check one document; files are read with the threads of `pool`. Raises retryable `StorageError`."""
    folder = entry.folder
    found = Audited(folder, folder.key)
    try:
        request = read_request(storage, folder)
    except RequestLost:
        found.problems.append(Problem(Fault.RECORD, "request.json is missing or damaged"))
        return found
    found.source, found.etag = request.source.uri, request.source.etag
    manifest = read_manifest(storage, folder)
    if manifest is None:
        damaged = _is_there(storage, folder.manifest)
        words = "document.json is damaged" if damaged else "it has not ended: there is no document.json"
        found.problems.append(Problem(Fault.OPEN, words))
        return found
    found.state, found.pages = manifest.state, len(manifest.pages)
    found.failed = sum(page.state == "failed" for page in manifest.pages)
    found.problems += _contradictions(folder, manifest)
    if _is_there(storage, folder.reopening):
        found.problems.append(Problem(Fault.OPEN, "it is being worked on again"))
    elif manifest.retention is None or manifest.retention.expired is None:
        found.problems += _files(storage, folder, manifest, pool)
    return found


def _contradictions(folder: Folder, manifest: Manifest) -> Iterator[Problem]:
    if manifest.id != folder.document:
        yield Problem(Fault.RECORD, f"document.json is that of document {manifest.id}")
    numbers = [page.number for page in manifest.pages]
    if numbers and numbers != wanted_between(manifest.options, 1, numbers[-1]):
        yield Problem(Fault.RECORD, "document.json does not have every page once")
    if manifest.state in {"succeeded", "partial"} and not numbers:
        yield Problem(Fault.RECORD, f"document.json says {manifest.state} and has no pages")
    for page in manifest.pages:
        if page.state == "failed" and not page.reason:
            yield Problem(Fault.RECORD, "it failed without a reason", page.number)


def _files(storage: Storage, folder: Folder, manifest: Manifest, pool: Executor) -> Iterator[Problem]:
    """Compare every file with what the manifest says of it."""
    checks: list[Callable[[], Problem | None]] = []
    for page in manifest.pages:
        checks += _page_checks(storage, folder, page)
    for output in manifest.outputs:
        checks.append(_check(storage, f"{folder.key}/{output.name}", output))
    for problem in pool.map(lambda check: check(), checks):
        if problem is not None:
            yield problem
    if manifest.state != "cancelled":  # the page in hand when it was cancelled may have come later
        yield from _strays(storage, folder, manifest.pages[-1].number if manifest.pages else 0)


def _page_checks(storage: Storage, folder: Folder, page: PageEntry) -> Iterator[Callable[[], Problem | None]]:
    if page.state == "cancelled":
        return
    if page.result is None:
        missing = Problem(Fault.MISSING, f"{folder.page(page.number)} is missing", page.number)
        yield lambda: missing
        return
    yield _check(storage, folder.page(page.number), page.result, page.number)
    for picture in page.pictures:
        yield _check(storage, f"{folder.pages}{picture.name}", picture, page.number, picture=True)


def _check(
    storage: Storage, key: str, named: StoredFile, page: int | None = None, *, picture: bool = False
) -> Callable[[], Problem | None]:
    """Return what compares one file's size and digest with what the manifest says."""

    def check() -> Problem | None:
        try:
            found = stored_object(storage, key)
        except NotFound:
            return Problem(Fault.MISSING, f"{key} is missing", page)
        if (found.size, found.sha256) == (named.size, named.sha256):
            return None
        words = f"{key} is not what document.json says: {found.size} bytes, SHA-256 {found.sha256}"
        return Problem(Fault.DIFFERS, words, page, key if picture else None)

    return check


def _strays(storage: Storage, folder: Folder, pages: int) -> Iterator[Problem]:
    if pages == 0:
        return
    for info in storage.list(folder.pages, start_after=folder.page(pages)):
        number = folder.page_number(info.key)
        if number is not None and number > pages:
            yield Problem(Fault.STRAY, f"{info.key} is beyond the last page, {pages}", number)


def _is_there(storage: Storage, key: str) -> bool:
    try:
        storage.head(key)
    except NotFound:
        return False
    return True
