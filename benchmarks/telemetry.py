"""Measures what telemetry costs: a span that is off and on, a count, an activity of a page, a scrape.

    python benchmarks/telemetry.py [--workers 200] [--documents 2000] [--repeats 20]

Spans that are on go to a receiver of this process that throws them away. The scrape is of a Valkey server of
its own, with so many workers that beat and so many documents that wait. Told is the processor's time of the
thread that works, of the best of the repeats: whatever else runs on a machine only ever adds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.settings import Settings, load_settings
from infra.status import Activity, Heartbeat, Store, open_store
from infra.telemetry.counters import Counters
from infra.telemetry.meter import Meter
from infra.telemetry.tracing import span, traced
from tasks.context import Tools
from tasks.hold import Hold
from worker.cli.signals import ending_in_order
from worker.exposition import exposition
from worker.stack.valkey import start_valkey

_LOOPS = 2_000
_ACTIVITIES = 4  # of a page: rendering, reading, drawing, writing


class _Deaf(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take what comes."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=20)
    asked = parser.parse_args()
    print(f"{'what':<44} {'best of ' + str(asked.repeats):>14}")
    settings = load_settings({"results": "/nowhere"})
    calls(settings, "traces off", asked.repeats)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Deaf)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}"
    with traced("benchmark"):
        calls(settings, "traces on", asked.repeats)
    server.shutdown()
    with (
        ending_in_order(),
        tempfile.TemporaryDirectory() as folder,
        start_valkey(Path(folder, "v")) as valkey,
    ):
        given = {"broker_url": valkey.broker_url, "results": str(Path(folder, "out"))}
        with closing(open_store(load_settings(given))) as store:
            scrape(load_settings(given), store, asked.workers, asked.documents, asked.repeats)


def calls(settings: Settings, mode: str, repeats: int) -> None:
    """Time the calls that work in hand makes."""

    def one_span() -> None:
        with span("step", document="d"):
            pass

    hold = Hold("me", settings.queue)

    def page() -> None:
        for activity in (Activity.RENDERING, Activity.READING, Activity.DRAWING, Activity.WRITING):
            with hold.timed(activity, "d", 1):
                pass

    meter = Meter()
    told(f"a span, {mode}", best(one_span, repeats))
    told(f"a page's {_ACTIVITIES} activities, {mode}", best(page, repeats))
    told(f"a count, {mode}", best(lambda: meter.count("pages_read_total", "cpu"), repeats))


def scrape(settings: Settings, store: Store, workers: int, documents: int, repeats: int) -> None:
    """Time a scrape of a fleet, and a heartbeat's hand-in."""
    for number in range(workers):
        name = f"cpu@host.{number}"
        beat = {"name": name, "host": "h", "pid": number, "device": "cpu", "kind": "cpu", "state": "idle"}
        store.fleet.beat(Heartbeat.model_validate({**beat, "started": 0.0}))
    fields = {"tenant": "default", "priority": "normal", "device": "", "source": "file:///a", "folder": "f"}
    for number in range(documents):
        store.status.open(f"d{number}", fields)
    tools = Tools(settings, store, lambda *_: None)
    what = f"a scrape, {workers} workers, {documents} documents"
    told(what, best(lambda: exposition(tools), repeats, loops=5))
    meter, counters = Meter(), Counters(store.client, store.keys)

    def hand_in() -> None:
        for stage in range(20):
            meter.count("stage_seconds_total", str(stage), "cpu", by=0.1)
        counters.take(meter)

    told("a hand-in of 20 counters", best(hand_in, repeats, loops=100))


def best(call: Callable[[], object], repeats: int, loops: int = _LOOPS) -> float:
    """Return the seconds of one call: the best average of `repeats` series."""

    def series() -> float:
        before = time.thread_time()
        for _ in range(loops):
            call()
        return (time.thread_time() - before) / loops

    return min(series() for _ in range(repeats))


def told(what: str, seconds: float) -> None:
    """Print a row."""
    print(f"{what:<44} {seconds * 1e6:>11.2f} µs")


if __name__ == "__main__":
    main()
