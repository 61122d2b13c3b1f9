"""Opens a document: checks it before a pixel is decoded, counts its pages, cuts it into ranges."""

from __future__ import annotations

import logging

from infra.errors import Changed, NotFound, StorageError
from infra.status.keys import lane
from infra.status.states import DocumentState, PageState
from infra.status.status import finalize_step
from infra.status.work import Claim, DocumentStep
from pipelines.errors import InputError
from pipelines.read import DocumentInfo, probe
from tasks.conclude import conclude
from tasks.context import Context
from tasks.dispatch import release, send
from tasks.heart import Hold
from tasks.limits import read_limits
from tasks.pagefiles import write_failure
from tasks.places import Folder
from tasks.ranges import plan_ranges
from tasks.records import Request
from tasks.steps import leased

_log = logging.getLogger(__name__)
_EXHAUSTED = "Opening the document ended its process each time it was tried."


def split(context: Context, step: DocumentStep) -> None:
    """Split a document, unless somebody else does or has. Raises retryable `StorageError`."""
    folder = context.folder(step.document)
    if folder is None:
        return
    with leased(context, step) as (claim, hold):
        if claim is Claim.EXHAUSTED:
            _end(context, step, folder, DocumentState.FAILED, _EXHAUSTED)
        elif claim is Claim.GO:
            _split(context, step, folder, hold)


def _split(context: Context, step: DocumentStep, folder: Folder, hold: Hold) -> None:
    request = context.request(folder)
    try:
        info = _probe(context, request, hold)
    except InputError as error:
        _end(context, step, folder, DocumentState.REJECTED, str(error))
    except (Changed, NotFound) as error:
        _end(context, step, folder, DocumentState.SUPERSEDED, error.public)
    except StorageError as error:
        if error.retryable:
            raise
        _log.error("document %s cannot be fetched: %s", step.document, error)
        _end(context, step, folder, DocumentState.FAILED, error.public)
    else:
        _record(context, step, folder, request, info, hold)


def _probe(context: Context, request: Request, hold: Hold) -> DocumentInfo:
    limits = read_limits(context.settings)
    fetched = context.cache.source(request.source, request.tenant, context.storage)
    with fetched as path, hold.timed(f"the split of document {request.id}"):
        return probe(path, dpi=request.options["dpi"], limits=limits)


def _record(
    context: Context, step: DocumentStep, folder: Folder, request: Request, info: DocumentInfo, hold: Hold
) -> None:
    problems = {page.number: page.problem for page in info.pages if page.problem is not None}
    for number, problem in problems.items():
        write_failure(context, folder, number, problem, cause="input")
    queue = context.settings.queue
    sizes = [page.megapixels for page in info.pages]
    state = context.store.status.split_done(
        step,
        hold.owner,
        pages=[PageState.FAILED if page.number in problems else PageState.PENDING for page in info.pages],
        firsts=plan_ranges(sizes, most_megapixels=queue.range_megapixels, most_pages=queue.range_pages),
        reasons=problems,
        fields={"megapixels": f"{sum(sizes):.3f}", "media_type": info.media_type},
    )
    _log.info("%d pages of %s, %d of them cannot be read", len(sizes), info.media_type, len(problems))
    if state is DocumentState.PROCESSING:
        release(context.tools, lane(request.tenant, request.priority, request.device))
    elif state is DocumentState.FINALIZING:
        send(context.tools, finalize_step(step.document, step.generation))


def _end(context: Context, step: DocumentStep, folder: Folder, state: DocumentState, reason: str) -> None:
    request = context.request(folder)
    conclude(context, request, folder, generation=step.generation, state=state, reason=reason)
