"""Turns work that the status hands out into messages, and decides which queue they go to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from infra.lines import ANNOUNCE, announce_arguments
from infra.lines import INGEST as INGEST_LANE
from infra.status.scripts import translated
from infra.status.work import Announcement, DocumentStep, PageRange, Step, Work, parse_work
from tasks.backoff import delay_seconds
from tasks.context import Tools
from tasks.dispatch_sight import Sight, place
from tasks.queues import CONTROL, DELIVER, FINALIZE, INGEST, PAGES, SPLIT
from tasks.routing import windows_of

_STEP_TASKS = {Step.SPLIT: SPLIT, Step.FINALIZE: FINALIZE}


def send(tools: Tools, work: Work, *, tries: int = 0) -> None:
    """Put a piece of work into its queue. `tries` counts earlier ones that met a transient error."""
    if isinstance(work, Announcement):
        tools.send(INGEST, [work.ref, tries], CONTROL)
    elif isinstance(work, DocumentStep):
        tools.send(_STEP_TASKS[work.step], [work.document, work.generation, tries], CONTROL)
    else:
        send_range(tools, work, place(tools, work, Sight(tools)), tries=tries)


def send_all(tools: Tools, works: Sequence[Work], sight: Sight | None = None) -> int:
    """Send pieces of work; returns how many. One look at the fleet serves for all."""
    sight = sight or Sight(tools)
    for work in works:
        if isinstance(work, PageRange):
            send_range(tools, work, place(tools, work, sight))
        else:
            send(tools, work)
    return len(works)


def send_range(tools: Tools, pages: PageRange, queue: str, *, tries: int = 0) -> None:
    """Send a range to a queue."""
    arguments = [pages.document, pages.generation, pages.first, pages.last, pages.mode.value, tries]
    tools.send(PAGES, arguments, queue)


def release(tools: Tools) -> int:
    """Fill the windows of all workers with what waits, and send that; returns how many messages."""
    workers: Counter[str] = Counter()
    for worker in tools.store.fleet.workers():
        workers[worker.kind] += worker.at_once  # one that takes several pages at once holds several ranges
    control = max(1, workers.pop(CONTROL, 0))
    sight = Sight(tools)
    several = len(workers) > 1  # in a fleet of one kind those with a wish and those without share a window
    shared = Counter(one.kind for one in sight.placements if not one.wished) if several else Counter()
    each = tools.settings.queue.window_per_worker
    steps = dict.fromkeys((INGEST_LANE, *Step), control * each)
    windows = {**windows_of(workers, shared, each), **steps}
    same = "" if several else next(iter(workers), "")
    quotas = tools.settings.quotas
    return send_all(tools, tools.store.status.release(windows, same=same, quotas=quotas), sight)


def line_up(tools: Tools, step: DocumentStep) -> None:
    """Have a document wait for a step; when its tenant's turn has come, it is sent."""
    send_all(tools, tools.store.status.line_up(step))
    release(tools)


def over(tools: Tools, work: DocumentStep | Announcement) -> None:
    """Have something that was sent count no longer, and send what that makes room for."""
    tools.store.status.over(work)
    release(tools)


def send_later(tools: Tools, work: Work, *, tries: int) -> None:
    """Send a piece of work after a delay that grows with `tries`; no worker waits for it."""
    seconds = delay_seconds(tools.settings.queue, tries)
    tools.store.status.postpone(work, seconds)
    tools.store.fleet.delay({"work": work.member, "tries": tries + 1}, seconds)


def announce_later(tools: Tools, ref: dict[str, Any], *, tries: int) -> None:
    """Announce a document once more after a delay that grows with `tries`."""
    seconds = delay_seconds(tools.settings.queue, tries)
    tools.store.status.postpone(Announcement.of(ref), seconds)
    tools.store.fleet.delay({"ref": ref, "tries": tries + 1}, seconds)


def announce_dropped(tools: Tools) -> list[dict[str, Any]]:
    """Make the announcements again that were given up; returns them.

    They get in their tenants' lines, as all others do: what is lost on its way from there is sent again.
    """
    works = [Announcement(text) for text in tools.store.fleet.dropped()]
    for work in works:
        _announce(tools, work)
        tools.store.fleet.picked_up(work.member)
    return [work.ref for work in works]


def _announce(tools: Tools, work: Announcement) -> None:
    """Put an announcement in line, and send what is first there if nothing of the tenant's is out."""
    tenant = str(work.ref.get("tenant", ""))
    arguments = announce_arguments(tools.settings.key_prefix, tenant, work.member)
    client: Any = tools.store.client  # redis-py's `execute_command` has no types
    with translated():
        first = client.execute_command("EVAL", ANNOUNCE, 0, *arguments)
    if first:
        send(tools, Announcement(str(first)))


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


def call_delivery(tools: Tools) -> int:
    """Send a message to deliver what is due in the outbox, unless one is under way; returns how many."""
    if not tools.store.outbox.call():
        return 0
    tools.send(DELIVER, [], CONTROL)
    return 1
