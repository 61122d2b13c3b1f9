"""Measures what the fleet costs one Redis: its CPU time for a page, and for workers that only live.

    python benchmarks/redis_load.py [--pages 20000] [--workers 10 100 500]

A Valkey server of its own. This process does to it what workers do in reading documents of 40 pages, four
in a range: every script, every look at the fleet, every message (a list's push and pop stand for Celery's),
without reading anything. Printed are microseconds of the server's CPU per page, for a fleet in which so
many workers are known, with one kind of device and with two (then each range is routed by what is placed),
and per heartbeat; and the pages per second that half a core of the server carries by that.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

from infra.settings import load_settings
from infra.status import Heartbeat, Store, open_store
from infra.status.states import PageState
from infra.status.status import split_step
from infra.status.work import Claim, Commit, PageRange
from tasks.context import Tools
from tasks.dispatch import release
from worker.cli.signals import ending_in_order
from worker.stack.valkey import start_valkey

_PAGES, _RANGE = 40, 4
_FIELDS = {"tenant": "default", "priority": "normal", "source": "s", "folder": "f"}
_BEATS = 2000


class Load:
    """One server, and the messages that were sent."""

    def __init__(self, tools: Tools, messages: deque[list[Any]]) -> None:
        self._tools = tools
        self._store: Store = tools.store
        self._messages = messages

    def cpu(self) -> float:
        """Seconds of CPU that the server has taken."""
        found = cast("dict[str, float]", self._store.client.info("cpu"))
        return found["used_cpu_user"] + found["used_cpu_sys"]

    def beat(self, kinds: list[str]) -> None:
        """Have workers of these kinds live for the whole run."""
        for number, kind in enumerate(kinds):
            self._store.fleet.beat(_heartbeat(f"{kind}@host.{number}", kind))

    def read(self, pages: int) -> None:
        """Take documents in and read them, as workers would."""
        for number in range(pages // _PAGES):
            document = f"{number:032x}"
            self._store.status.open(document, _FIELDS)
            self._store.status.claim(split_step(document, 1), "control")
            self._store.status.split_done(
                split_step(document, 1),
                "control",
                pages=[PageState.PENDING] * _PAGES,
                firsts=range(1, _PAGES + 1, _RANGE),
                reasons={},
                fields={"megapixels": str(_PAGES * 4)},
            )
        release(self._tools)
        while self._messages:
            document, generation, first, last, _, _ = self._messages.popleft()
            self._range(PageRange(document, generation, first, last))

    def _range(self, pages: PageRange) -> None:
        status, owner = self._store.status, "cpu@host.1#2#3"
        queue = self._store.keys.prefix + "ocr.cpu"
        self._store.client.lpush(queue, "x" * 800)
        self._store.client.rpop(queue)
        self._store.listing.field(pages.document, "folder")
        if status.begin_range(pages, owner) is not Claim.GO:
            raise RuntimeError(f"{pages} cannot be begun")
        for page in range(pages.first, pages.last + 1):
            status.begin_page(pages, page, owner)
            status.park(pages, page, owner, 1)
            status.resume(pages, page, owner, 1)
            if status.commit_page(pages.document, 1, page, PageState.DONE) is Commit.GONE:
                raise RuntimeError(f"page {page} of {pages.document} is gone")
        status.end_range(pages, owner)
        release(self._tools)


def _heartbeat(name: str, kind: str) -> Heartbeat:
    return Heartbeat(
        name=name,
        host="host",
        pid=1,
        device=kind,
        kind=kind,
        state="busy",
        started=time.time(),
        pages_per_second=1.0,
        megapixels_per_second=4.0,
        at=time.time(),
    )


def measure(pages: int, kinds: list[str]) -> tuple[float, float]:
    """Return microseconds of the server's CPU for a page, and for a heartbeat."""
    with (
        ending_in_order(),
        tempfile.TemporaryDirectory() as folder,
        start_valkey(Path(folder, "valkey")) as valkey,
    ):
        settings = load_settings(
            {
                "broker_url": valkey.broker_url,
                "results": f"{folder}/out",
                "work_dir": Path(folder, "work"),
                "queue": {"heartbeat_seconds": 1000, "lease_seconds": 3000},
            }
        )
        store = open_store(settings)
        messages: deque[list[Any]] = deque()
        load = Load(Tools(settings, store, lambda *message: messages.append(message[1])), messages)
        load.beat(kinds)
        before = load.cpu()
        load.read(pages)
        between = load.cpu()
        beat = _heartbeat("cpu@host.0", "cpu")
        for _ in range(_BEATS):
            store.fleet.beat(beat)
        after = load.cpu()
        store.close()
    return (between - before) / pages * 1e6, (after - between) / _BEATS * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 500])
    arguments = parser.parse_args()
    print("| workers | kinds | µs a page | µs a heartbeat | pages/s on half a core, heartbeats taken off |")
    print("|---|---|---|---|---|")
    for workers in arguments.workers:
        for kinds in (["cpu"], ["cpu", "gpu"]):
            page, beat = measure(arguments.pages, [kinds[n % len(kinds)] for n in range(workers)])
            left = 0.5e6 - workers / 3 * beat
            print(f"| {workers} | {len(kinds)} | {page:.0f} | {beat:.0f} | {left / page:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
