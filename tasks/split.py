"""Opens a document: checks it before a pixel is decoded, counts its pages, cuts it into ranges."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import ExitStack

from infra.errors import Changed, NotFound, StorageError
from infra.status import Activity
from infra.status.states import DocumentState, PageState
from infra.status.status import finalize_step
from infra.status.work import Claim, DocumentStep
from pipelines.errors import InputError, OptionError
from pipelines.read import DocumentInfo, probe
from tasks.conclude import give_up, still_held
from tasks.context import Context
from tasks.dispatch import line_up
from tasks.hold import Hold
from tasks.limits import checked_while_fetched, read_limits
from tasks.pagefiles import PageFiles, earlier_pages, state_of
from tasks.places import Folder
from tasks.ranges import page_cost, plan_ranges
from tasks.records import Request
from tasks.secrets import SecretUnavailable, password
from tasks.selection import wanted_of
from tasks.steps import exhausted, leased

_log = logging.getLogger(__name__)
_EXHAUSTED = "Opening the document ended its process each time it was tried."


def split(context: Context, step: DocumentStep) -> None:
    """Split a document, unless somebody else does or has. Raises retryable `StorageError`."""
    folder = context.folder(step.document)
    if folder is None:
        return
    with leased(context, step) as (claim, hold, _):
        if claim is Claim.EXHAUSTED:
            _end(context, step, folder, hold, DocumentState.FAILED, exhausted(context, step, _EXHAUSTED))
        elif claim is Claim.GO:
            _split(context, step, folder, hold)


def _split(context: Context, step: DocumentStep, folder: Folder, hold: Hold) -> None:
    request = context.request(folder)
    if request.verdict is not None:
        _end(context, step, folder, hold, DocumentState(request.verdict.state), request.verdict.reason)
        return
    try:
        info = _probe(context, request, hold)
    except InputError as error:
        _end(context, step, folder, hold, DocumentState.REJECTED, str(error))
    except SecretUnavailable as error:
        _log.error("document %s cannot be opened: %s", step.document, error)
        _end(context, step, folder, hold, DocumentState.FAILED, error.public)
    except (Changed, NotFound) as error:
        _end(context, step, folder, hold, DocumentState.SUPERSEDED, error.public)
    except StorageError as error:
        if error.retryable:
            raise
        _log.error("document %s cannot be fetched: %s", step.document, error)
        _end(context, step, folder, hold, DocumentState.FAILED, error.public)
    else:
        _select(context, step, folder, request, info, hold)


def _probe(context: Context, request: Request, hold: Hold) -> DocumentInfo:
    limits = read_limits(context.settings)
    with ExitStack() as stack:
        with hold.timed(Activity.FETCHING, request.id) as move:
            told = checked_while_fetched(limits, request.source, move)
            source = context.cache.source(request.source, request.tenant, context.storage, told)
            path = stack.enter_context(source)
        with hold.timed(Activity.SPLITTING, request.id) as move:
            secret = password(request.secret, context.settings.secrets)
            return probe(path, dpi=request.options["dpi"], limits=limits, password=secret, moved=move)


def _select(
    context: Context, step: DocumentStep, folder: Folder, request: Request, info: DocumentInfo, hold: Hold
) -> None:
    """Go on with the pages that were asked for, unless there is one that the document does not have."""
    try:
        wanted = wanted_of(request.options, len(info.pages), "The document")
    except OptionError as error:
        _end(context, step, folder, hold, DocumentState.REJECTED, f"The option pages is wrong: {error}")
    else:
        _record(context, step, folder, info, wanted, hold)


def _record(
    context: Context,
    step: DocumentStep,
    folder: Folder,
    info: DocumentInfo,
    wanted: Collection[int],
    hold: Hold,
) -> None:
    states, reasons = _settle(context.page_files(folder, step.generation), info, wanted, hold)
    queue = context.settings.queue
    sizes = [page.megapixels if page.number in wanted else 0.0 for page in info.pages]
    megapixels = sum(page_cost(page.megapixels) for page in info.pages if page.number in wanted)
    state = context.store.status.split_done(
        step,
        hold.owner,
        pages=[states[page.number] for page in info.pages],
        firsts=plan_ranges(sizes, most_megapixels=queue.range_megapixels, most_pages=queue.range_pages),
        reasons=reasons,
        fields={"megapixels": f"{megapixels:.3f}", "media_type": info.media_type},
    )
    _log.info("%d pages of %s, %d of them cannot be read", len(sizes), info.media_type, len(reasons))
    if state is DocumentState.FINALIZING:
        line_up(context.tools, finalize_step(step.document, step.generation))


def _settle(
    files: PageFiles, info: DocumentInfo, wanted: Collection[int], hold: Hold
) -> tuple[dict[int, PageState], dict[int, str]]:
    """Settle what needs no reading: what an earlier generation ended with, what cannot be or nobody wants.

    Returns every page's state, and why pages failed.
    """
    states = {
        page.number: PageState.PENDING if page.number in wanted else PageState.SKIPPED for page in info.pages
    }
    reasons: dict[int, str] = {}
    for number, state, reason in earlier_pages(files, wanted):
        states[number] = state
        if state is PageState.FAILED:
            reasons[number] = reason
    for page in info.pages:
        if page.problem is not None and states[page.number] is PageState.PENDING:
            fields = files.write_failure(page.number, page.problem, cause="input")
            hold.move()
            states[page.number] = state_of(fields)
            reasons[page.number] = fields.reason or ""
    return states, {
        number: reason for number, reason in reasons.items() if states[number] is PageState.FAILED
    }


def _end(
    context: Context, step: DocumentStep, folder: Folder, hold: Hold, state: DocumentState, reason: str
) -> None:
    """End the document, unless another has got further meanwhile: that is no end then."""
    request = context.request(folder)
    if not still_held(context, step, hold):
        return
    give_up(context, request, folder, generation=step.generation, state=state, reason=reason)
