"""Ends a document: its manifest is written, then its state becomes terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from infra.status.states import DocumentState
from infra.status.work import Commit, DocumentStep, Step
from infra.telemetry.meter import METER
from tasks.context import Context
from tasks.dispatch import call_delivery
from tasks.hold import Hold
from tasks.ledger import read_manifest, write_manifest
from tasks.newest import note_newest
from tasks.places import Folder
from tasks.records import Manifest, PageEntry, PipelineRecord, Request, StoredFile, Timings
from tasks.report import letters_about, letters_without_records, owe

_log = logging.getLogger(__name__)
_STATES = {Step.SPLIT: DocumentState.SPLITTING, Step.FINALIZE: DocumentState.FINALIZING}


def still_held(context: Context, step: DocumentStep, hold: Hold) -> bool:
    """Say whether a step is still its holder's; ask right before its end is written.

    It is not once its lease ran out, as another may have got further, nor once its document was cancelled
    while that was being split. Raises `BrokerUnavailable`.
    """
    lost = context.store.status.renew(hold.owner, [step.lease])
    at = context.store.listing.fields(step.document, "state", "generation")
    if not lost and at == [_STATES[step.step].value, str(step.generation)]:
        return True
    _log.warning("%s was lost: its end is not written", step.member)
    return False


def conclude(
    context: Context,
    request: Request,
    folder: Folder,
    *,
    generation: int,
    state: DocumentState,
    reason: str | None,
    pages: Sequence[PageEntry] = (),
    outputs: Sequence[StoredFile] = (),
    pipeline: PipelineRecord | None = None,
    stages: dict[str, float] | None = None,
    media_type: str | None = None,
) -> None:
    """Write the manifest and end the document.

    A manifest of this generation or a later one is adopted, with its state; an earlier one is replaced.
    """
    manifest = Manifest.model_validate(
        {
            "id": request.id,
            "generation": generation,
            "tenant": request.tenant,
            "source": request.source.model_copy(update={"media_type": media_type}),
            "state": state.value,
            "reason": reason,
            "pages": list(pages),
            "options": request.options,
            "pipeline": pipeline or request.pipeline,
            "outputs": list(outputs),
            "timings": Timings(created=request.created, finished=time.time(), stages=stages or {}),
        }
    )
    _end(context, request, folder, manifest)


def give_up(
    context: Context, request: Request, folder: Folder, *, generation: int, state: DocumentState, reason: str
) -> None:
    """End a document that cannot even be opened, or not be put together.

    Where an earlier generation had got as far as pages, its outcome stays, and says that nothing was added.
    """
    earlier = read_manifest(context.results, folder) if generation > 1 else None
    if earlier is None or not earlier.pages:
        conclude(context, request, folder, generation=generation, state=state, reason=reason)
        return
    said = f"It could not be worked on again: {reason}"
    again = f"{(earlier.reason or '').removesuffix(said).strip()} {said}".strip()  # said once is enough
    again_ended = earlier.model_copy(update={"generation": generation, "reason": again})
    _end(context, request, folder, again_ended, kept=True)


def conclude_uncounted(context: Context, request: Request, folder: Folder, *, generation: int) -> bool:
    """End a generation that was cancelled before its pages were counted; False where no earlier one has any.

    Nothing was read or made since, so what the earlier one had is what there is.
    """
    earlier = read_manifest(context.results, folder) if generation > 1 else None
    if earlier is None or not earlier.pages:
        return False
    ended: dict[str, object] = {"generation": generation}
    whole = all(entry.state == "done" for entry in earlier.pages)
    if not whole:  # else it was a repair that is not to be, and the document is as before
        ended |= {"state": DocumentState.CANCELLED.value, "reason": cancelled_reason(earlier.pages)}
    _end(context, request, folder, earlier.model_copy(update=ended), kept=whole)
    return True


def cancelled_reason(pages: Sequence[PageEntry]) -> str:
    """Say how far a document had got that was cancelled."""
    done = sum(page.state == "done" for page in pages)
    return f"Cancelled; {done} of {len(pages)} pages had been read."


def give_up_lost(context: Context, document: str, generation: int, reason: str) -> None:
    """End a document whose request is gone: nothing can be written about it, but who waits for it is told."""
    known = context.store.listing.document(document)
    letters = letters_without_records(context.settings, known, reason) if known is not None else []
    context.store.status.finish(document, generation, DocumentState.FAILED, reason, letters=letters)
    call_delivery(context.tools)


def _end(
    context: Context, request: Request, folder: Folder, manifest: Manifest, *, kept: bool = False
) -> None:
    """Write the manifest; the state follows it. `kept` says that the state is an earlier generation's."""
    owed = owe(context.settings, context.results, folder, request, manifest.generation)
    written = write_manifest(context.results, folder, manifest)
    adopted = written.generation if kept or written is not manifest else None
    note_newest(context.results, folder, request, written)
    state = DocumentState(written.state)
    letters = letters_about(context.settings, folder, request, written) if owed else []
    finished = context.store.status.finish(
        manifest.id, manifest.generation, state, written.reason, adopted=adopted, letters=letters
    )
    if finished is Commit.FIRST and manifest.generation == 1:
        METER.observe("document_seconds", max(0.0, time.time() - request.created))
    if letters:
        call_delivery(context.tools)
    _log.info("document %s is %s", manifest.id, written.state)
