"""Turns work that the status hands out into messages, and decides which queue they go to."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from infra.settings import QueueSettings
from infra.status import DocumentStatus
from infra.status.states import Mode
from infra.status.work import DocumentStep, PageRange, Step, Work, parse_work
from pipelines.devices import KINDS
from tasks.context import Tools
from tasks.queues import CONTROL, FINALIZE, INGEST, PAGES, SPLIT, queue_for, queues_of
from tasks.ranges import FLOOR_MEGAPIXELS
from tasks.routing import DEFAULT_KIND, choose_kind, see_kinds

_STEP_TASKS = {Step.SPLIT: SPLIT, Step.FINALIZE: FINALIZE}


def send(tools: Tools, work: Work, *, tries: int = 0) -> None:
    """Put a piece of work into its queue. `tries` counts earlier ones that met a transient error."""
    if isinstance(work, DocumentStep):
        tools.send(_STEP_TASKS[work.step], [work.document, work.generation, tries], CONTROL)
        return
    arguments = [work.document, work.generation, work.first, work.last, work.mode.value, tries]
    tools.send(PAGES, arguments, _queue(tools, work))


def send_all(tools: Tools, works: Sequence[Work]) -> int:
    """Send pieces of work; returns how many."""
    for work in works:
        send(tools, work)
    return len(works)


def release(tools: Tools, lane: str) -> int:
    """Fill a lane's window and send what that released; returns how many ranges."""
    wish = lane.rpartition(":")[2]
    kinds = {wish} if wish in KINDS else KINDS
    workers = sum(1 for worker in tools.store.fleet.workers() if worker.kind in kinds)
    window = max(1, workers) * tools.settings.queue.window_per_worker
    return send_all(tools, tools.store.status.release(lane, window))


def send_later(tools: Tools, work: Work, *, tries: int) -> None:
    """Send a piece of work after a delay that grows with `tries`; no worker waits for it."""
    text = {"work": work.member, "tries": tries + 1}
    tools.store.fleet.delay(text, delay_seconds(tools.settings.queue, tries))


def announce_later(tools: Tools, ref: dict[str, Any], *, tries: int) -> None:
    """Announce a document once more after a delay that grows with `tries`."""
    text = {"ref": ref, "tries": tries + 1}
    tools.store.fleet.delay(text, delay_seconds(tools.settings.queue, tries))


def send_due(tools: Tools) -> int:
    """Send the delayed messages whose time has come; returns how many."""
    texts = tools.store.fleet.due()
    for text in texts:
        message = json.loads(text)
        if "ref" in message:
            tools.send(INGEST, [message["ref"], message["tries"]], CONTROL)
        else:
            send(tools, parse_work(message["work"]), tries=message["tries"])
        tools.store.fleet.sent(text)
    return len(texts)


def delay_seconds(queue: QueueSettings, tries: int) -> float:
    """Return the delay after `tries` earlier failures: doubled each time, bounded, with jitter."""
    full = min(queue.retry_limit_seconds, queue.retry_seconds * 2.0 ** min(tries, 32))
    return full * random.uniform(0.5, 1.0)  # noqa: S311  -- spreads load, guards nothing


def _queue(tools: Tools, pages: PageRange) -> str:
    document = tools.store.listing.document(pages.document)
    if document is None or pages.mode is Mode.GIVEN_UP:
        return CONTROL  # nothing is to be read
    return queue_for(_kind(tools, document, pages), document.priority)


def _kind(tools: Tools, document: DocumentStatus, pages: PageRange) -> str:
    if document.device is not None:
        return document.device
    workers = tools.store.fleet.workers()
    cold = tools.settings.cold_kinds
    kinds = {worker.kind for worker in workers} - {CONTROL} | cold.keys()
    if len(kinds) <= 1:
        return next(iter(kinds), DEFAULT_KIND)
    depths = tools.store.fleet.depths([queue for kind in kinds for queue in queues_of(kind)])
    waiting = {
        kind: sum(depths[queue] for queue in queues_of(kind)) * tools.settings.queue.range_megapixels
        for kind in kinds
    }
    share = document.megapixels / document.pages if document.pages else FLOOR_MEGAPIXELS
    cost = share * (pages.last - pages.first + 1)
    return choose_kind(cost, None, see_kinds(workers, waiting, cold))
