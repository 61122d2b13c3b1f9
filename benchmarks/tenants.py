"""Measures how long one tenant's document waits while another tenant has ten thousand pages in line.

    python benchmarks/tenants.py [--workers 1 2 4] [--seconds 1.0] [--pages 10000]
        [--documents 1000] [--tries 5]

Real workers on a real Valkey server read pages that take `--seconds` each, a page a range. Tenant A announces
one document of `--pages`; while it is read, tenant B announces documents of one page, one after the other.
Printed for each number of workers, in range times: what passes from B's announcement to the beginning of its
page; the same with idle workers (it is taken in and split); the difference, which A has caused; and how many
of A's ranges began meanwhile, in rounds of all workers. Then, with one control worker, A announces
`--documents` at once and B one: printed is how many of A's were taken in, and how many opened, between B's
announcement and the opening of B's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pypdfium2 as pdfium

from infra.settings import Settings, load_settings
from infra.status import DocumentStatus, Store, open_store
from infra.status.states import DocumentState
from tasks.produce import Producer
from tasks.records import DocumentRef
from worker.cli.signals import ending_in_order
from worker.stack.processes import ChildProcess
from worker.stack.valkey import start_valkey

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from crew import wait_for

_PROGRAM = Path(__file__).with_name("paced_worker.py")


class Stage:
    """A queue with workers, below one folder."""

    def __init__(self, folder: Path, settings: Settings, store: Store, seconds: float) -> None:
        self.inbox = folder / "in"
        self.inbox.mkdir()
        self._log = folder / "begun"
        self._log.touch()
        self._folder = folder
        self.store = store
        self._settings = settings
        self._environment = {
            **os.environ,
            **settings.environment(),
            "OMP_NUM_THREADS": "1",
            "PACE": str(seconds),
            "PACE_LOG": str(self._log),
        }
        self.processes: list[ChildProcess] = []

    def start(self, *devices: str) -> None:
        """Start workers, and wait until they take work."""
        for device in devices:
            log = self._folder / f"{len(self.processes)}.log"
            command = [sys.executable, "-P", str(_PROGRAM), "--device", device]
            self.processes.append(ChildProcess(command, self._environment, log, name=device))
        count = len(self.processes)
        wait_for(lambda: sum(beat.state != "warming" for beat in self.store.fleet.workers()) == count)

    def announce(self, tenant: str, *names: str) -> float:
        """Announce documents of the inbox; returns when that was begun."""
        begun = time.time()
        with Producer(self._settings.broker_url, key_prefix=self._settings.key_prefix) as producer:
            for name in names:
                producer.announce(DocumentRef(source=f"file://{self.inbox}", key=name, tenant=tenant))
        return begun

    def begun(self) -> list[tuple[float, str]]:
        """When which document's pages were begun."""
        lines = [line.split(maxsplit=2) for line in self._log.read_text("utf-8").splitlines()]
        return [(float(when), Path(source).name) for when, _, source in lines]

    def documents(self) -> list[DocumentStatus]:
        """All of them."""
        return self.store.listing.recent(100_000)


@contextmanager
def stage(seconds: float) -> Iterator[Stage]:
    """A stage that is taken down at the end."""
    with (
        ending_in_order(),
        tempfile.TemporaryDirectory() as name,
        start_valkey(Path(name, "valkey")) as valkey,
    ):
        folder = Path(name)
        settings = load_settings(
            {
                "broker_url": valkey.broker_url,
                "results": str(folder / "out"),
                "sources": [str(folder / "in")],
                "work_dir": folder / "work",
                "tenants": ["a", "b"],
                "pipeline": {"engine": "fake"},
                "defaults": {"visualize": False},
                "queue": {"range_pages": 1},
            }
        )
        store = open_store(settings)
        made = Stage(folder, settings, store, seconds)
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()
            store.close()


def write(path: Path, pages: int) -> None:
    """Write a PDF of small empty pages."""
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        document.new_page(72, 36)
    document.save(path)


@dataclass(frozen=True)
class Delays:
    """What B's documents waited, in range times.

    Attributes:
        alone: From the announcement to the beginning of the page, with idle workers.
        beside: The same beside A's.
        rounds: How many of A's ranges began meanwhile, in rounds of all workers.
    """

    alone: list[float]
    beside: list[float]
    rounds: list[float]

    @property
    def caused(self) -> list[float]:
        """How much of it A has caused."""
        return [delay - median(self.alone) for delay in self.beside]


def delays(options: argparse.Namespace, workers: int) -> Delays:
    """Measure what B's documents wait, each announced at another moment of a range."""
    with stage(options.seconds) as made:
        write(made.inbox / "long.pdf", options.pages)
        made.start("control", *["cpu"] * workers)
        alone = [began - announced for announced, began in _one_by_one(made, options, "alone")]
        made.announce("a", "long.pdf")
        wait_for(lambda: len(made.begun()) >= options.tries + 2 * workers)
        spans = list(_one_by_one(made, options, "beside"))
        begun = [when for when, of in made.begun() if of == "long.pdf"]
    seconds = workers * (begun[-1] - begun[0]) / (len(begun) - 1)  # what a range takes, with all around it
    rounds = [sum(announced < when < began for when in begun) / workers for announced, began in spans]
    beside = [began - announced for announced, began in spans]
    return Delays([each / seconds for each in alone], [each / seconds for each in beside], rounds)


def _one_by_one(made: Stage, options: argparse.Namespace, name: str) -> Iterator[tuple[float, float]]:
    """Have B's documents read one after the other; yield when each was announced and begun."""
    for number in range(options.tries):
        key = f"{name}-{number}.pdf"
        write(made.inbox / key, 1)
        time.sleep(options.seconds * number / options.tries)
        announced = made.announce("b", key)
        yield announced, wait_for(lambda key=key: [when for when, of in made.begun() if of == key])[0]


def taken_before(options: argparse.Namespace) -> tuple[int, int]:
    """Return how many of A's documents were taken in, and opened, while B's waited for that."""
    with stage(options.seconds) as made:
        names = [f"{number}.pdf" for number in range(options.documents)]
        for name in (*names, "b.pdf"):
            write(made.inbox / name, 1)
        made.start("control")
        made.announce("a", *names)
        announced = made.announce("b", "b.pdf")

        def opened() -> DocumentStatus | None:
            mine = [one for one in made.documents() if one.tenant == "b"]
            return mine[0] if mine and mine[0].state is DocumentState.PROCESSING else None

        mine = wait_for(opened, "the opening of B's", patience=300)
        others = [one for one in made.documents() if one.tenant == "a"]
        taken = sum(announced < one.created < mine.created for one in others)
        split = sum(
            announced < one.updated < mine.updated and one.state is DocumentState.PROCESSING for one in others
        )
        return taken, split


def main() -> int:
    """Measure and print; 0 if every delay was below two range times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=5)
    options = parser.parse_args()
    kept = True
    for workers in options.workers:
        found = delays(options, workers)
        kept = kept and max(found.caused) < 2
        print(
            f"{workers} workers: begun after {median(found.beside):.2f} range times (median), "
            f"alone after {median(found.alone):.2f}; delayed by {median(found.caused):.2f}, "
            f"{max(found.caused):.2f} at most; {max(found.rounds):.2f} rounds of the other tenant's at most",
            flush=True,
        )
    taken, split = taken_before(options)
    print(f"of {options.documents} announced before, {taken} were taken in and {split} opened before")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
