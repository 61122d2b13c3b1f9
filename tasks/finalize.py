"""Puts a document together: streams its pages into the outputs, and writes the manifest last."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from infra.errors import NotFound
from infra.status import Activity
from infra.status.states import MAX_ATTEMPTS, DocumentState, PageState
from infra.status.work import Claim, DocumentStep
from infra.storage import Storage
from tasks.conclude import cancelled_reason, conclude, conclude_uncounted, give_up, still_held
from tasks.context import Context
from tasks.hold import Hold
from tasks.outputs import opened_outputs
from tasks.pagefiles import left_unread, read_page
from tasks.patience import patiently
from tasks.places import Folder
from tasks.records import PageEntry, PageFields, PipelineRecord, Request, StoredFile
from tasks.steps import exhausted, leased

_READERS = 8  # pages fetched at once; most of it is waiting
_EXHAUSTED = "Putting the document together ended its process each time it was tried."
_MISSING = "The page's result is missing."
_CANCELLED = "The document was cancelled before."
_SKIPPED: Final = {"state": "skipped", "reason": "It is not among the pages that were asked for."}


@dataclass(slots=True)
class Gathered:
    """What was found in the pages of a document.

    Attributes:
        cancelled: Whether pages may be missing because nobody was to read them.
        left: Those that were cancelled before and are not read by this generation: Redis skips them.
        input_at_fault: Whether every failure so far is the document's own.
        faults: Readable documents that could not be made, a sentence each.
    """

    cancelled: bool = False
    left: frozenset[int] = frozenset()
    entries: list[PageEntry] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    pipeline: PipelineRecord | None = None
    input_at_fault: bool = True
    faults: list[str] = field(default_factory=list)

    def add(self, number: int, content: dict[str, Any] | None, file: StoredFile | None) -> PageEntry:
        """Take a page in, None when its JSON is missing; returns what the manifest says of it."""
        if content is None:
            return self._add_missing(number)
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
        return self.entries[-1]

    def _add_missing(self, number: int) -> PageEntry:
        self.input_at_fault = False
        state: Literal["cancelled", "failed"] = "cancelled" if self.cancelled else "failed"
        reason = None if self.cancelled else _MISSING
        self.entries.append(PageEntry(number=number, state=state, reason=reason, result=None, pictures=[]))
        return self.entries[-1]

    def verdict(self) -> tuple[DocumentState, str | None]:
        """Return the state the document ends in, and why."""
        failed = [entry for entry in self.entries if entry.state == "failed"]
        if self.cancelled:
            return DocumentState.CANCELLED, cancelled_reason(self.entries)
        if not failed:
            return self._all_read()
        if len(failed) == len(self.entries):
            state = DocumentState.REJECTED if self.input_at_fault else DocumentState.FAILED
            return state, f"No page could be read. Page {failed[0].number}: {failed[0].reason}"
        count = "1 page" if len(failed) == 1 else f"{len(failed)} pages"
        unread = f"{count} of {len(self.entries)} could not be read."
        return DocumentState.PARTIAL, " ".join([unread, *self.faults])

    def _all_read(self) -> tuple[DocumentState, str | None]:
        if not self.faults:
            return DocumentState.SUCCEEDED, None
        return DocumentState.PARTIAL, " ".join(["Every page was read.", *self.faults])


def finalize(context: Context, step: DocumentStep) -> None:
    """Finalize a document, unless somebody else does or has. Raises retryable `StorageError`."""
    folder = context.folder(step.document)
    if folder is None:
        return
    with leased(context, step) as (claim, hold, attempts):
        if claim is Claim.EXHAUSTED and attempts > MAX_ATTEMPTS + 1:
            request, state = context.request(folder), DocumentState.FAILED
            reason = exhausted(context, step, _EXHAUSTED)
            if still_held(context, step, hold):
                give_up(context, request, folder, generation=step.generation, state=state, reason=reason)
        elif claim in (Claim.GO, Claim.EXHAUSTED):
            without = exhausted(context, step, _EXHAUSTED) if claim is Claim.EXHAUSTED else None
            with hold.timed(Activity.FINALIZING, step.document) as move:
                _finalize(context, step, folder, hold, move, without)


def _finalize(
    context: Context,
    step: DocumentStep,
    folder: Folder,
    hold: Hold,
    move: Callable[[], None],
    without: str | None,
) -> None:
    """Finalize a document; `without` its readable documents where those ended processes, as it says."""
    if context.store.listing.document(step.document) is None:
        return
    cancelled = context.store.listing.field(step.document, "cancelled") is not None
    request = patiently(lambda: context.request(folder))
    if cancelled and not context.store.listing.pages(step.document):
        if not still_held(context, step, hold):
            return
        before = partial(conclude_uncounted, context, request, folder, generation=step.generation)
        if patiently(before):
            return
    left = patiently(lambda: left_unread(context.page_files(folder, step.generation)))
    gathered = Gathered(cancelled or bool(left), left)
    outputs = _write_outputs(context, step, folder, request, gathered, move, without)
    if not still_held(context, step, hold):
        return
    state, reason = gathered.verdict()
    end = partial(
        conclude,
        context,
        request,
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
    patiently(end)


def _write_outputs(
    context: Context,
    step: DocumentStep,
    folder: Folder,
    request: Request,
    gathered: Gathered,
    move: Callable[[], None],
    without: str | None,
) -> list[StoredFile]:
    """Write the readable documents that are wanted, every page in each. Gathers the pages.

    A document that was cancelled before its pages were counted has no outputs.
    """
    states = context.store.listing.pages(step.document)
    for number in gathered.left & set(range(1, len(states) + 1)):
        states[number - 1] = PageState.CANCELLED
    wanted = [number for number, state in enumerate(states, start=1) if state is not PageState.SKIPPED]
    if not wanted:
        return []
    with (
        opened_outputs(context, request, len(states), move, fault=without) as outputs,
        closing(_pages(context.results, folder, wanted)) as pages,
    ):
        for number, state in enumerate(states, start=1):
            move()
            if state is PageState.SKIPPED:
                outputs.page(number, _SKIPPED)
                continue
            content, file = next(pages)
            entry = gathered.add(number, content, file)
            outputs.page(number, content or {"state": entry.state, "reason": entry.reason or _CANCELLED})
        outputs.store(context.results, folder, step.generation)
        gathered.faults = outputs.faults()
        return outputs.stored


def _pages(
    storage: Storage, folder: Folder, numbers: Sequence[int]
) -> Generator[tuple[dict[str, Any] | None, StoredFile | None], None, None]:
    """Yield pages in order, a few fetched ahead."""
    ahead: deque[Future[tuple[dict[str, Any] | None, StoredFile | None]]] = deque()
    with ThreadPoolExecutor(_READERS, thread_name_prefix="finalize") as pool:
        for number in numbers:
            ahead.append(pool.submit(_page, storage, folder, number))
            if len(ahead) > _READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _page(storage: Storage, folder: Folder, number: int) -> tuple[dict[str, Any] | None, StoredFile | None]:
    try:
        return patiently(lambda: read_page(storage, folder, number))
    except NotFound:
        return None, None
