"""Reads a range of pages: rendered ahead, read here, written behind, each page committed by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from infra.errors import BrokerUnavailable, InfraError, StorageError
from infra.log import log_context
from infra.status import Activity
from infra.status.states import Mode
from infra.status.work import Claim, PageRange, Work
from pipelines.errors import DeviceLost, InputError
from pipelines.parallel import in_parallel
from tasks.context import Context, Predict
from tasks.dispatch import release, send, send_later
from tasks.pagefiles import Cause
from tasks.rangerun import RangeRun
from tasks.ranges import page_cost
from tasks.rendering import Rendered, Renderer
from tasks.writing import Read, Writer

_log = logging.getLogger(__name__)
_GIVEN_UP = "Reading the page ended its process each time it was tried."
_UNOPENED = "The document could not be opened for this page: each try failed or ended its process."


def read_range(context: Context, pages: PageRange, *, tries: int = 0) -> None:
    """Read a range, unless its message is old or somebody else has it; what is left of it is sent again."""
    folder = context.folder(pages.document)
    if folder is None:
        return
    status = context.store.status
    with context.heart.hold() as hold:
        claim = status.begin_range(pages, hold.owner)
        if claim not in (Claim.GO, Claim.EXHAUSTED):
            _log.info("a message about pages %d to %d is dropped: %s", pages.first, pages.last, claim)
            return
        hold.add(pages.lease)
        trouble: Exception | None = None
        expected = True
        try:
            files = context.page_files(folder, pages.generation)
            run = RangeRun(context, pages, files, context.request(folder), hold)
            trouble = _run(run, exhausted=claim is Claim.EXHAUSTED)
            tries = 0 if run.settled else tries  # where anything gets through, delays need not grow
        except (StorageError, OSError) as error:
            trouble = error
        except InfraError:  # no Redis, or no request: not a matter of this range
            raise
        except Exception as error:  # noqa: BLE001  -- whatever it is, it must be bounded
            _log.exception("pages %d to %d cannot be begun", pages.first, pages.last)
            trouble, expected = error, False
        finally:
            hold.drop(pages.lease)
        if isinstance(trouble, OSError) and status.host_failed(pages) > context.settings.queue.host_tries:
            expected = False  # its attempt counts: no host will ever have room for it
        left = status.end_range(pages, hold.owner, opened=expected)
    _log.info("pages %d to %d are over (%s)", pages.first, pages.last, pages.mode)
    _go_on(context, pages.document, left, trouble, tries)


def _go_on(context: Context, document: str, left: Work | None, trouble: Exception | None, tries: int) -> None:
    """Send what is left of a range, after a delay if there was trouble, and fill the window."""
    if left is not None and trouble is not None:
        _log.warning("document %s waits: %s", document, trouble)
        send_later(context.tools, left, tries=tries)
    elif left is not None:
        send(context.tools, left)
    release(context.tools)


def _run(run: RangeRun, *, exhausted: bool) -> Exception | None:
    """Settle what can be settled; returns the trouble, not of a page's making, that stopped it."""
    # What is kept on disk first: whoever brings it to the storage meanwhile has it show up there.
    written = {number for number in run.numbers if _unspool(run, number)}
    written |= _adopt(run)
    numbers = [number for number in run.numbers if number not in written]
    if run.pages.mode is Mode.GIVEN_UP:
        reasons = run.context.store.listing.reasons(run.pages.document)
        _fail(run, numbers, reasons.get(run.pages.first, _GIVEN_UP), "processing")
        return None
    if exhausted:
        _fail(run, numbers, _UNOPENED, "processing")
        return None
    return _read(run, numbers) if numbers else None


def _adopt(run: RangeRun) -> set[int]:
    """Commit the pages whose JSON exists already, and return them: nothing is read twice."""
    written = set()
    for number, fields in run.files.settled(run.pages.first, run.pages.last):
        run.commit(number, fields)
        written.add(number)
    return written


def _unspool(run: RangeRun, number: int) -> bool:
    """Write and commit a page that was read before, when the storage took nothing; False for other pages."""
    fields = run.context.spool.write(run.files, number)
    if fields is not None:
        run.commit(number, fields)
    return fields is not None


def _fail(run: RangeRun, numbers: list[int], reason: str, cause: Cause) -> None:
    for number in numbers:
        run.commit(number, run.files.write_failure(number, reason, cause=cause, mode=run.pages.mode))


def _read(run: RangeRun, numbers: list[int]) -> Exception | None:
    with run.hold.timed(Activity.FETCHING, run.pages.document):  # another pipeline's weights, perhaps
        pipeline = run.context.pipeline_for(run.request.pipeline.name)
    at_once = min(pipeline.pages_at_once, len(numbers)) if run.pages.mode is Mode.NORMAL else 1
    with Writer(run) as writer, Renderer(run, numbers, ahead=at_once) as renderer:
        begun = time.monotonic()
        over = threading.Event()
        readers = [partial(_read_page, run, pipeline.predict)] * at_once
        for page, read in in_parallel(_until(over, renderer), readers):
            if read is not None:
                writer.put(read)
            if page.image is not None:
                megapixels = page_cost(page.image.width * page.image.height / 1e6)  # as those who send count
                run.context.speed.add(megapixels, run.context.laps.lap(begun))
            if run.context.memory.after(run.name(page.number)) or writer.error is not None:
                over.set()
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


def _until(over: threading.Event, pages: Iterable[Rendered]) -> Iterator[Rendered]:
    """The pages that are begun before it is `over`."""
    for page in pages:
        yield page
        if over.is_set():
            return


def _read_page(run: RangeRun, predict: Predict, page: Rendered) -> tuple[Rendered, Read | None]:
    with log_context(document=run.pages.document):  # on a device that takes many, a thread of its own
        read = _predict(run, page, predict)
        if read is not None:
            with suppress(BrokerUnavailable):  # it was read, and is written whatever Redis thinks
                run.park(page.number)
        return page, read


def _predict(run: RangeRun, page: Rendered, predict: Predict) -> Read | None:
    """Read a rendered page; None when it was lost or went wrong, and is somebody else's now."""
    if page.image is None:
        return Read(page.number, None, page.failure)
    if not run.resume(page.number):
        return None
    try:
        with run.hold.timed(Activity.READING, run.pages.document, page.number):
            until = time.monotonic() + run.context.settings.queue.page_soft_seconds
            (result,) = predict(replace(page.image, until=until), **run.predict_options)
            return Read(page.number, result)
    except InputError as error:
        return Read(page.number, None, str(error))
    except DeviceLost as error:
        run.context.heart.end(f"{run.name(page.number)}: {error}")
        return None
    except Exception as error:  # noqa: BLE001  -- whatever it is, it is this page's
        run.fault(page.number, error)
        return None
