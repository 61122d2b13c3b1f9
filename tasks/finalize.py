"""Puts a document together: streams its pages into the outputs, and writes the manifest last."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from infra.errors import AlreadyExists, NotFound
from infra.status.states import DocumentState
from infra.status.work import Claim, DocumentStep
from infra.storage import Storage
from tasks.conclude import conclude
from tasks.context import Context
from tasks.pagefiles import read_page, stored_file
from tasks.places import Folder
from tasks.records import PageEntry, PageFields, PipelineRecord, StoredFile
from tasks.steps import leased

_READERS = 8  # pages fetched at once; most of it is waiting
_PAGE_BREAK = "\f"
_EXHAUSTED = "Putting the document together ended its process each time it was tried."
_MISSING = "The page's result is missing."


@dataclass(slots=True)
class Gathered:
    """What was found in the pages of a document.

    Attributes:
        input_at_fault: Whether every failure so far is the document's own.
    """

    entries: list[PageEntry] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    pipeline: PipelineRecord | None = None
    input_at_fault: bool = True

    def add(self, number: int, content: dict[str, Any] | None, file: StoredFile | None) -> None:
        """Take a page in; None when its JSON is missing."""
        if content is None:
            self.input_at_fault = False
            self.entries.append(
                PageEntry(number=number, state="failed", reason=_MISSING, result=None, pictures=[])
            )
            return
        fields = PageFields.model_validate(content)
        self.input_at_fault = self.input_at_fault and fields.cause != "processing"
        self.entries.append(
            PageEntry(
                number=number,
                state=fields.state,
                reason=fields.reason,
                result=file,
                pictures=fields.pictures,
            )
        )
        self.stages.update(content.get("timings") or {})
        if self.pipeline is None and "pipeline" in content:
            self.pipeline = PipelineRecord.model_validate(content["pipeline"])

    def verdict(self) -> tuple[DocumentState, str | None]:
        """Return the state the document ends in, and why."""
        failed = [entry for entry in self.entries if entry.state == "failed"]
        if not failed:
            return DocumentState.SUCCEEDED, None
        if len(failed) == len(self.entries):
            state = DocumentState.REJECTED if self.input_at_fault else DocumentState.FAILED
            return state, f"No page could be read. Page {failed[0].number}: {failed[0].reason}"
        count = "1 page" if len(failed) == 1 else f"{len(failed)} pages"
        return DocumentState.PARTIAL, f"{count} of {len(self.entries)} could not be read."


def finalize(context: Context, step: DocumentStep) -> None:
    """Finalize a document, unless somebody else does or has. Raises retryable `StorageError`."""
    folder = context.folder(step.document)
    if folder is None:
        return
    with leased(context, step) as (claim, _):
        if claim is Claim.EXHAUSTED:
            conclude(
                context,
                context.request(folder),
                folder,
                generation=step.generation,
                state=DocumentState.FAILED,
                reason=_EXHAUSTED,
            )
        elif claim is Claim.GO:
            _finalize(context, step, folder)


def _finalize(context: Context, step: DocumentStep, folder: Folder) -> None:
    document = context.store.listing.document(step.document)
    if document is None:
        return
    gathered = Gathered()
    outputs = [_write_text(context, folder, document.pages or 0, gathered)]
    state, reason = gathered.verdict()
    conclude(
        context,
        context.request(folder),
        folder,
        generation=step.generation,
        state=state,
        reason=reason,
        pages=gathered.entries,
        outputs=outputs,
        pipeline=gathered.pipeline,
        stages={stage: round(seconds, 4) for stage, seconds in gathered.stages.items()},
        media_type=context.store.listing.field(step.document, "media_type"),
    )


def _write_text(context: Context, folder: Folder, pages: int, gathered: Gathered) -> StoredFile:
    """Write `document.txt`: a line per line, pages apart by form feeds. Gathers the pages on the way."""
    with tempfile.TemporaryDirectory(dir=_scratch(context)) as scratch:
        path = Path(scratch, "document.txt")
        with path.open("w", encoding="utf-8", newline="\n") as text:
            for number, (content, file) in enumerate(_pages(context.results, folder, pages), start=1):
                gathered.add(number, content, file)
                _write_lines(text, number, content or {})
        try:
            context.results.create(folder.text, path, content_type="text/plain; charset=utf-8")
        except AlreadyExists:
            return stored_file(folder.text, context.results.read(folder.text))
        with path.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        return StoredFile(name=path.name, key=folder.text, size=path.stat().st_size, sha256=digest)


def _write_lines(text: TextIO, number: int, content: dict[str, Any]) -> None:
    if number > 1:
        text.write(_PAGE_BREAK)
    text.writelines(f"{line}\n" for line in content.get("rec_texts", ()))


def _pages(
    storage: Storage, folder: Folder, pages: int
) -> Iterator[tuple[dict[str, Any] | None, StoredFile | None]]:
    """Yield all pages in order, a few fetched ahead."""
    ahead: deque[Future[tuple[dict[str, Any] | None, StoredFile | None]]] = deque()
    with ThreadPoolExecutor(_READERS, thread_name_prefix="finalize") as pool:
        for number in range(1, pages + 1):
            ahead.append(pool.submit(_page, storage, folder, number))
            if len(ahead) > _READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _page(storage: Storage, folder: Folder, number: int) -> tuple[dict[str, Any] | None, StoredFile | None]:
    try:
        return read_page(storage, folder, number)
    except NotFound:
        return None, None


def _scratch(context: Context) -> Path:
    folder = context.settings.work_dir / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
