"""Opens a document again that has ended: to read what failed, or what is missing or damaged in its results.

What is to be done lies in storage (`reopened.json`) before Redis hears of it, so that it survives both. The
new generation fences off whatever the old one still has under way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from infra.errors import InfraError, StorageError
from infra.status.states import TERMINAL
from infra.storage import Storage
from pipelines.write.registry import formats_of
from tasks.context import Tools, storage_at
from tasks.ledger import Records, read_records, write_reopening
from tasks.options import OUTPUTS
from tasks.places import Folder
from tasks.records import Manifest, Reopening, Request
from tasks.resume import begin, resume


class NotReopened(InfraError):  # noqa: N818  -- it says what happened
    """A document cannot be worked on again; `str(error)` says why, for whoever asked."""

    public: ClassVar[str] = "The document cannot be read again."


@dataclass(frozen=True, slots=True)
class Reopened:
    """A document that is being worked on again.

    Attributes:
        pages: Those that are to be read; empty where nobody knows yet which pages there are.
    """

    generation: int
    pages: Sequence[int]


def retry(tools: Tools, storage: Storage, folder: Folder) -> Reopened:
    """Have read again what failed of a document, or was cancelled; nothing else. Its outputs are made again.

    Raises:
        NotReopened: it has not ended, nothing of it failed, or its source or options were at fault.
        RequestLost, StorageError, BrokerUnavailable.
    """
    resume(tools, storage, folder)  # a retry that Redis has lost goes on; an end that it missed is told
    records = read_records(storage, folder)
    manifest = _ended(records, folder)
    if records.request.verdict is not None:
        raise NotReopened(f"{records.request.verdict.reason} Announce it again once that has changed.")
    if manifest.state == "superseded" and not _source_is_back(tools, records.request):
        raise NotReopened(
            "Its source has been replaced or is not there; another version is another document."
        )
    pages = [page.number for page in manifest.pages if page.state != "done"]
    if manifest.pages and not pages and not _unmade(manifest):
        raise NotReopened("All of its pages were read; nothing failed.")
    return Reopened(_begin_again(tools, storage, folder, records, failed=True), pages)


def replay(tools: Tools, storage: Storage, folder: Folder, pages: Sequence[int]) -> Reopened:
    """Have these pages of a document read again whatever is stored for them, and its outputs written again.

    Raises as `retry` does.
    """
    resume(tools, storage, folder)
    records = read_records(storage, folder)
    _ended(records, folder)
    return Reopened(_begin_again(tools, storage, folder, records, pages=pages), pages)


def _begin_again(
    tools: Tools,
    storage: Storage,
    folder: Folder,
    records: Records,
    *,
    failed: bool = False,
    pages: Sequence[int] = (),
) -> int:
    """Begin the next generation of a document that has ended, and return it."""
    known = tools.store.listing.generations([folder.document]).get(folder.document)
    if known is not None and known[0] not in TERMINAL:
        raise NotReopened(f"Document {folder.document} is being worked on.")
    ended = records.manifest.generation if records.manifest is not None else 1
    generation = max(ended, known[1] if known is not None else 1) + 1
    asked = Reopening(generation=generation, created=time.time(), failed=failed, pages=stretches(pages))
    found = write_reopening(storage, folder, asked)
    begin(tools, folder, records.request, generation=found.generation)
    return found.generation


def stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of numbers without a gap."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def _source_is_back(tools: Tools, request: Request) -> bool:
    """Say whether the source is there as it was announced: its folder may have been away for a while."""
    source = request.source
    try:
        found = storage_at(source.root, tools.settings.s3).head(source.key, source.version)
    except StorageError as error:
        if error.retryable:
            raise
        return False
    return (found.etag, found.size) == (source.etag, source.size)


def _unmade(manifest: Manifest) -> bool:
    """Say whether a readable document is missing that was asked for."""
    made = {output.name for output in manifest.outputs}
    return any(each.file not in made for each in formats_of(manifest.options.get("outputs", OUTPUTS)))


def _ended(records: Records, folder: Folder) -> Manifest:
    if records.manifest is None or records.open_generation is not None:
        raise NotReopened(f"Document {folder.document} has not ended: it is being worked on, or waits to be.")
    if records.manifest.retention is not None and records.manifest.retention.expired is not None:
        raise NotReopened("Its results were removed when their time was over; upload it again.")
    return records.manifest
