"""Reads a range of pages: rendered ahead, read here, written behind, each page committed by itself."""

from __future__ import annotations

import logging
import time

from infra.errors import InfraError, StorageError
from infra.status.keys import lane
from infra.status.states import Mode
from infra.status.work import Claim, PageRange
from pipelines.errors import InputError
from tasks.context import Context, PageResult
from tasks.dispatch import release, send, send_later
from tasks.pagefiles import Cause, read_page, write_failure, written_pages
from tasks.rangerun import RangeRun
from tasks.records import PageFields
from tasks.rendering import Rendered, Renderer
from tasks.writing import Read, Writer

_log = logging.getLogger(__name__)
_GIVEN_UP = "Reading the page ended its process each time it was tried."


def read_range(context: Context, pages: PageRange, *, tries: int = 0) -> None:
    """Read a range, unless its message is old or somebody else has it; what is left of it is sent again."""
    folder = context.folder(pages.document)
    if folder is None:
        return
    status = context.store.status
    with context.heart.hold() as hold:
        if status.begin_range(pages, hold.owner) is not Claim.GO:
            return
        hold.add(pages.lease)
        trouble: Exception | None = None
        try:
            run = RangeRun(context, pages, folder, context.request(folder), hold)
            trouble = _run(run)
        except (StorageError, OSError) as error:
            trouble = error
        finally:
            hold.drop(pages.lease)
        left = status.end_range(pages, hold.owner)
    _log.info("pages %d to %d are over (%s)", pages.first, pages.last, pages.mode)
    if left is not None and trouble is not None:
        _log.warning("document %s waits: %s", pages.document, trouble)
        send_later(context.tools, left, tries=tries)
    elif left is not None:
        send(context.tools, left)
    document = context.store.listing.document(pages.document)
    if document is not None:
        release(context.tools, lane(document.tenant, document.priority, document.device))


def _run(run: RangeRun) -> Exception | None:
    """Settle what can be settled; returns the trouble, not of a page's making, that stopped it."""
    first, last = run.pages.first, run.pages.last
    written = _adopt(run)
    numbers = [number for number in range(first, last + 1) if number not in written]
    if run.pages.mode is Mode.GIVEN_UP:
        reasons = run.context.store.listing.reasons(run.pages.document)
        _fail(run, numbers, reasons.get(first, _GIVEN_UP), "processing")
        return None
    return _read(run, numbers) if numbers else None


def _adopt(run: RangeRun) -> set[int]:
    """Commit the pages whose JSON exists already, and return them: nothing is read twice."""
    storage = run.context.results
    written = set(written_pages(storage, run.folder, run.pages.first, run.pages.last))
    for number in sorted(written):
        content, _ = read_page(storage, run.folder, number)
        run.commit(number, PageFields.model_validate(content))
    return written


def _fail(run: RangeRun, numbers: list[int], reason: str, cause: Cause) -> None:
    for number in numbers:
        mode = run.pages.mode
        run.commit(number, write_failure(run.context, run.folder, number, reason, cause=cause, mode=mode))


def _read(run: RangeRun, numbers: list[int]) -> Exception | None:
    with Writer(run) as writer, Renderer(run, numbers) as renderer:
        before = time.monotonic()
        for page in renderer:
            read = _predict(run, page)
            if read is not None:
                writer.put(read)
            if page.image is not None:
                now = time.monotonic()
                run.context.speed.add(page.image.width * page.image.height / 1e6, now - before)
                before = now
            if writer.error is not None:
                break
    if writer.error is None and renderer.error is not None:
        return _without_source(run, numbers, renderer.error)
    return writer.error


def _without_source(run: RangeRun, numbers: list[int], error: Exception) -> Exception | None:
    """Fail the pages of a source that is gone or cannot be opened; return what may pass."""
    if isinstance(error, InputError):
        _fail(run, numbers, str(error), "input")
        return None
    if isinstance(error, StorageError) and not error.retryable:
        _log.error("the source of document %s cannot be fetched: %s", run.pages.document, error)
        _fail(run, numbers, error.public, "processing")
        return None
    if isinstance(error, (InfraError, OSError)):
        return error
    raise error


def _predict(run: RangeRun, page: Rendered) -> Read | None:
    """Read a rendered page; None when it was lost or went wrong, and is somebody else's now."""
    if page.image is None:
        return Read(page.number, None, page.failure)
    if not run.resume(page.number):
        return None
    try:
        with run.hold.timed(run.name(page.number)):
            return Read(page.number, _one_result(run, page))
    except InputError as error:
        return Read(page.number, None, str(error))
    except Exception as error:  # noqa: BLE001  -- whatever it is, it is this page's
        run.fault(page.number, error)
        return None


def _one_result(run: RangeRun, page: Rendered) -> PageResult:
    pipeline = run.context.pipeline
    if pipeline is None or page.image is None:
        raise RuntimeError("this worker has no pipeline: pages must not be sent to it")
    (result,) = pipeline.predict(page.image, **run.predict_options)
    return result
