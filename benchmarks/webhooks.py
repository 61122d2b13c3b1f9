"""Tells a webhook of documents' ends while it fails half of the time, is away for a minute, and workers die.

    python benchmarks/webhooks.py [--documents 300] [--again 0.3] [--fails 0.5] [--away 60] [--kill 10]
        [--retry 1] [--retry-limit 10]

Real workers with the fake engine read documents of one page on a real Valkey server; `--again` of them are
read again when they have ended, so that there is a second end to tell of, and of all once more. After a
third of the documents the receiver is away for `--away` seconds; the process that delivers gets a SIGKILL
every `--kill` seconds. Printed is how many ends were told of, how often, how many requests came out of
order for their document, and how many have a signature that docs/events.md takes for genuine. Ends with 0
only if every end was told of, in order, and every request was genuine.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pypdfium2 as pdfium
from events_stage import wait

from infra.notify.signature import HEADER
from infra.settings import Settings, load_settings
from infra.status import Store, open_store
from tasks.context import Tools, storage_at
from tasks.places import Folder
from tasks.produce import Producer
from tasks.records import DocumentRef
from tasks.reopen import NotReopened, replay
from worker.cli.signals import ending_in_order
from worker.sending import tools_for
from worker.stack.processes import ChildProcess, python_command
from worker.stack.valkey import start_valkey

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from receiver import Receiver, failing, receiver

_SECRET = "of the benchmark"  # noqa: S105  -- nobody's
_EVER = 1e9  # seconds
_DOC = Path(__file__).parents[1] / "docs" / "events.md"


@dataclass
class Stage:
    """A fleet below one folder, and who is told."""

    settings: Settings
    store: Store
    tools: Tools
    inbox: Path
    ends: set[str] = field(default_factory=set)

    def announce(self, count: int) -> None:
        """Announce documents of one page."""
        with Producer(self.settings.broker_url, key_prefix=self.settings.key_prefix) as producer:
            for number in range(count):
                document = pdfium.PdfDocument.new()
                document.new_page(72, 36 + number % 100)
                document.save(self.inbox / f"{number:05d}.pdf")
                producer.announce(DocumentRef(source=f"file://{self.inbox}", key=f"{number:05d}.pdf"))

    def ended(self) -> int:
        """Note which ends there are, and say how many documents have one at present."""
        found = [one for one in self.store.listing.recent(100_000) if one.terminal]
        self.ends.update(f"{one.id}:{one.generation}" for one in found)
        return len(found)

    def read_again(self, share: float, seed: int) -> None:
        """Have some documents read again as soon as they have ended."""
        dice = random.Random(seed)  # noqa: S311  -- dice
        storage = storage_at(self.settings.results, self.settings.s3)
        for one in self.store.listing.recent(100_000):
            if one.terminal and dice.random() < share:
                with suppress(NotReopened):
                    replay(self.tools, storage, Folder(one.folder), [1])

    def deliverer(self) -> int | None:
        """The process that runs the control worker's tasks."""
        beats = self.store.fleet.workers()
        return next((one.pid for one in beats if one.device == "control" and one.state != "warming"), None)


@contextmanager
def stage(folder: Path, url: str, options: argparse.Namespace) -> Iterator[Stage]:
    """A stage whose workers end with the context."""
    inbox, secret = folder / "in", folder / "secret"
    inbox.mkdir()
    secret.write_text(_SECRET)
    notify = {"targets": [url], "secrets": [f"file:{secret}"]}
    notify |= {"retry_seconds": options.retry, "retry_limit_seconds": options.retry_limit}
    with ending_in_order(), start_valkey(folder / "valkey") as valkey:
        values = {"broker_url": valkey.broker_url, "results": str(folder / "out"), "sources": [str(inbox)]}
        values |= {"work_dir": str(folder / "work"), "pipeline": {"engine": "fake"}, "notify": notify}
        settings = load_settings({**values, "defaults": {"visualize": False}})
        store = open_store(settings)
        workers = [
            ChildProcess(
                python_command("-m", "worker", "--device", device),
                {**os.environ, **settings.environment(), "OMP_NUM_THREADS": "1"},
                folder / f"{device}.log",
                name=device,
            )
            for device in ("control", "cpu")
        ]
        try:
            wait(lambda: sum(beat.state != "warming" for beat in store.fleet.workers()) == len(workers))
            with tools_for(settings, store) as tools:
                yield Stage(settings, store, tools, inbox)
        finally:
            for worker in workers:
                worker.terminate(10)
            store.close()


def _trouble(made: Stage, seconds: float, over: Event, kills: list[int]) -> None:
    while seconds and not over.wait(seconds):
        pid = made.deliverer()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills.append(pid)


def _run(made: Stage, hook: Receiver, options: argparse.Namespace) -> dict[str, Any]:
    kills, over = list[int](), Event()
    trouble = Thread(target=_trouble, args=[made, options.kill, over, kills], daemon=True)
    started = time.monotonic()
    trouble.start()
    made.announce(options.documents)
    wait(lambda: made.ended() >= options.documents / 3)
    hook.down()
    away = time.monotonic()
    for seed in range(2):
        wait(lambda: made.ended() == options.documents)
        made.read_again(options.again, seed)
    wait(lambda: made.ended() == options.documents)
    time.sleep(max(0.0, options.away - (time.monotonic() - away)))
    waiting = len(made.store.outbox.pending(100_000))
    hook.up()
    wait(lambda: made.store.outbox.soon(_EVER) == 0)
    over.set()
    trouble.join()
    return {"kills": len(kills), "waited meanwhile": waiting, "seconds": round(time.monotonic() - started)}


def _judged(hook: Receiver, ends: set[str]) -> dict[str, Any]:
    """What the receiver got, against what it was to get."""
    (example,) = re.findall(r"^```python\n(.*?)^```$", _DOC.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, _DOC.name, "exec"), names)  # noqa: S102  -- as a reader of the page would
    genuine, disordered, taken = 0, 0, Counter[str]()
    newest: dict[str, int] = {}
    for request in hook.requests:
        genuine += names["is_genuine"](request.headers[HEADER], request.body, _SECRET, tolerance=3600)
        document, generation = request.event["data"]["id"], request.event["data"]["generation"]
        told_before = taken[request.event["id"]]
        disordered += generation < newest.get(document, 0) and not told_before
        if request.taken:
            newest[document] = max(newest.get(document, 0), generation)
            taken[request.event["id"]] += 1
    return {
        "ends": len(ends),
        "told of": len(ends & taken.keys()),
        "more than once": sum(count > 1 for count in taken.values()),
        "requests": len(hook.requests),
        "refused": sum(not one.taken for one in hook.requests),
        "out of order": disordered,
        "genuine": genuine,
        "wrong": taken.keys() != ends or disordered > 0 or genuine != len(hook.requests),
    }


def main() -> int:
    """Run it and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--again", type=float, default=0.3)
    parser.add_argument("--fails", type=float, default=0.5)
    parser.add_argument("--away", type=float, default=60.0)
    parser.add_argument("--kill", type=float, default=10.0)
    parser.add_argument("--retry", type=float, default=1.0)
    parser.add_argument("--retry-limit", type=float, default=10.0)
    options = parser.parse_args()
    with (
        receiver(failing(options.fails, seed=3)) as hook,
        tempfile.TemporaryDirectory(prefix="pageline-webhooks-") as folder,
        stage(Path(folder), hook.url, options) as made,
    ):
        report = _run(made, hook, options) | _judged(hook, made.ends)
    print(", ".join(f"{name} {value}" for name, value in report.items()))
    return int(report["wrong"])


if __name__ == "__main__":
    sys.exit(main())
