"""Kills processes, the queue's server and the storage while documents are read; checks that nothing is lost.

    python benchmarks/chaos.py [--seed 1] [--documents 300] [--workers 4] [--seconds 600] [--json]
    python benchmarks/chaos.py --seeds 1-20
    python benchmarks/chaos.py --terms 100
    python benchmarks/chaos.py --engine auto --files PDFS --workers 2 --child-seconds 15 --worker-seconds 0

One control worker and the reading ones work with the fake engine on documents of 2 to 20 small pages (or
`--engine` on the PDFs of a folder). While they do, for `--seconds` at most: every 2 s the child of a worker
is killed, every 7 s a worker whole; three times Valkey is killed and started again; one in ten calls to the
storage fails, half of those after they were done; and for 20 s the storage is gone. With `--terms`, nothing
is killed: workers get so many SIGTERMs instead, each process one, and no page may be read twice. The same
seed gives the same documents and the same dice; what the processes are at when they are hit is not
repeatable. With `--seeds`, one run after the other, and a line of verdict each. Ends with 0 only if every
promise was kept.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos_checks import check
from chaos_stage import Stage, Trouble, take_documents, write_documents

_TICK_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_RESTARTS = (0.2, 0.4, 0.6)  # of Valkey: shares of all pages that are written by then
_OUTAGE = 0.3
# Retries are not made to wait for minutes: what fails here is back soon. And while ranges wait to be tried
# again others are out, or the workers would be idle most of the time; everything else is as it comes.
_QUEUE = {"retry_seconds": 1, "retry_limit_seconds": 5, "window_per_worker": 6}
_QUICK = {
    "lease_seconds": 3,
    "heartbeat_seconds": 0.5,
    "sweep_seconds": 0.2,
    "reconcile_seconds": 1,
    "resend_seconds": 4,
    "retry_seconds": 0.2,
    "retry_limit_seconds": 1,
}


class Storm:
    """What is done to the stage, and when: by the clock, or by how much is written."""

    def __init__(self, stage: Stage, options: argparse.Namespace, dice: random.Random, pages: int) -> None:
        self.done: Counter[str] = Counter()
        self._stage = stage
        self._options = options
        self._dice = dice
        self._pages = pages
        self._due: dict[str, float] = {}
        self._shares = [] if options.terms else [(share, "valkey restarts") for share in _RESTARTS]
        if not options.terms and options.outage > 0:
            self._shares.append((_OUTAGE, "storage outages"))
        self._shares.sort()
        self._storage_back = 0.0

    def kill(self) -> None:
        """Kill whatever is due."""
        options, stage, dice = self._options, self._stage, self._dice
        self._by_clock("children killed", options.child_seconds, lambda: stage.kill_child(dice))
        self._by_clock("workers killed", options.worker_seconds, lambda: stage.kill_worker(dice))
        self._by_clock("terms", options.term_seconds, self._term)

    def cut(self, written: int) -> None:
        """Take Valkey or the storage away where that is due, and give the storage back."""
        while self._shares and written >= self._shares[0][0] * self._pages:
            what = self._shares.pop(0)[1]
            self.done[what] += 1
            if what == "valkey restarts":
                self._stage.restart_valkey()
            else:
                self._stage.take_storage()
                self._storage_back = time.monotonic() + self._options.outage
        if self._storage_back and time.monotonic() > self._storage_back:
            self._storage_back = 0.0
            self._stage.return_storage()

    def _by_clock(self, what: str, seconds: float, act: Callable[[], bool]) -> None:
        now = time.monotonic()
        if seconds > 0 and now >= self._due.setdefault(what, now + seconds):
            self._due[what] = now + seconds
            self.done[what] += act()

    def _term(self) -> bool:
        """Ask one of the workers that read to end."""
        if self.done["terms"] >= self._options.terms:
            return False
        busy = [name for name in self._stage.busy() if name != "control"]
        return bool(busy) and self._stage.signal_worker(self._dice.choice(busy), signal.SIGTERM)


def main() -> int:
    """Make the chaos and print what came of it."""
    options = _arguments()
    if options.seeds:
        return max(
            _one_of_many(argparse.Namespace(**{**vars(options), "seed": seed})) for seed in options.seeds
        )
    report = _run_and_tidy(options)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        for name, figure in report.items():
            print(f"{name}: {figure}")
    return 1 if report["faults"] else 0


def _one_of_many(options: argparse.Namespace) -> int:
    """Run one seed of several, and say in a line how it went."""
    report = _run_and_tidy(options)
    verdict = "\n  ".join(["FAULTS", *report["faults"], report["folder"]]) if report["faults"] else "whole"
    disturbances = ("children killed", "workers killed", "valkey restarts", "storage outages", "terms")
    done = ", ".join(f"{report[what]} {what}" for what in disturbances if what in report)
    print(
        f"seed {report['seed']}: {report['documents']} documents, {report['pages']} pages, "
        f"{report['failed pages']} failed; {done}; {report['seconds in all']:g} s: {verdict}",
        flush=True,
    )
    return 1 if report["faults"] else 0


def _run_and_tidy(options: argparse.Namespace) -> dict[str, Any]:
    """Run one chaos; what it leaves behind is kept where there were faults."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    report = run(folder, options)
    if not report["faults"]:
        shutil.rmtree(folder)
    return report


def _numbers(text: str) -> list[int]:
    """Read `1-20` or `1,4,7`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run one chaos below `folder`; returns the report, with `faults` empty when all went well."""
    dice = random.Random(options.seed)  # noqa: S311  -- repeatable on purpose
    trouble = Trouble(0.0 if options.terms else options.failures, options.page_seconds)
    queue = _QUICK if options.quick else _QUEUE
    with Stage(folder, options.workers, trouble, queue, options.engine) as stage:
        if options.files is None:
            expected = write_documents(stage.inbox, options.documents, dice)
        else:
            expected = take_documents(stage.inbox, options.files)
        stage.await_workers()
        storm = Storm(stage, options, dice, sum(expected.values()))
        for name in expected:
            stage.announce(name)
            if dice.random() < 0.1:
                stage.announce(name)
        began = time.monotonic()
        stormy = _blow(stage, storm, options, len(expected))
        faults = _settle(stage, len(expected), options.patience)
        took = time.monotonic() - began
        stage.end_workers()
        found, figures = check(stage, expected)
    return {
        "seed": options.seed,
        "documents": len(expected),
        "pages": sum(expected.values()),
        "workers": options.workers,
        "seconds of storm": round(stormy, 1),
        "seconds in all": round(took, 1),
        **storm.done,
        "workers started again": stage.restarts,
        **figures,
        "folder": str(folder),
        "faults": faults + found + (_repetitions(storm, options, figures) if options.terms else []),
    }


def _blow(stage: Stage, storm: Storm, options: argparse.Namespace, documents: int) -> float:
    """Let the storm blow until all documents have ended; returns for how long things were killed."""
    began = looked = now = time.monotonic()
    stormy = 0.0
    written = ended = 0
    while ended < documents and now - began < options.seconds + options.patience:
        now = time.monotonic()
        if now - began < options.seconds:
            storm.kill()
            stormy = now - began
        storm.cut(written)
        stage.tend()
        if time.monotonic() - looked >= _LOOK_SECONDS:
            looked = time.monotonic()
            written, ended = stage.written(), stage.ended()
            _say(began, storm, f"{written} pages, {ended} documents")
        time.sleep(_TICK_SECONDS)
    stage.return_storage()
    return stormy


def _settle(stage: Stage, documents: int, patience: float) -> list[str]:
    """Wait until everything has ended; returns a sentence if it never does."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        stage.tend()
        known = stage.documents()
        if sum(one.terminal for one in known) >= documents and stage.ended() >= documents:
            return []
        time.sleep(_LOOK_SECONDS)
    open_ones = Counter(str(one.state) for one in stage.documents() if not one.terminal)
    return [
        f"after {patience:g} s of calm {stage.ended()} of {documents} have ended; open: {dict(open_ones)}"
    ]


def _repetitions(storm: Storm, options: argparse.Namespace, figures: dict[str, Any]) -> list[str]:
    """What SIGTERMs must not do."""
    faults = []
    if storm.done["terms"] < options.terms:
        faults.append(f"all was read after {storm.done['terms']} of {options.terms} SIGTERMs")
    if figures["commits"].get("repeated", 0):
        faults.append(f"{figures['commits']['repeated']} pages were read again and committed again")
    if figures["counted again after a rollback"]:
        faults.append(f"{figures['counted again after a rollback']} commits counted twice")
    if figures["readings"] != figures["pages"]:
        faults.append(f"{figures['readings']} readings of {figures['pages']} pages")
    return faults


def _say(began: float, storm: Storm, state: str) -> None:
    done = ", ".join(f"{count} {what}" for what, count in storm.done.items())
    print(f"{time.monotonic() - began:5.0f} s  {state}; {done}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Read documents while everything dies, and count them.")
    add = parser.add_argument
    add("--seed", type=int, default=1)
    add("--seeds", type=_numbers, help="one run each instead: 1-20, or 1,4,7")
    add("--documents", type=int, default=300)
    add("--workers", type=int, default=4)
    add("--engine", default="fake")
    add("--files", type=Path, help="a folder of PDFs to read instead")
    add("--seconds", type=float, default=600, help="how long things are broken, at most")
    add("--patience", type=float, default=300, help="seconds of calm until all must have ended")
    add("--child-seconds", type=float, default=2, help="from kill to kill; 0: none")
    add("--worker-seconds", type=float, default=7, help="from kill to kill; 0: none")
    add("--failures", type=float, default=0.1, help="share of calls to the storage that fail")
    add("--outage", type=float, default=20, help="seconds without storage; 0: none")
    add("--page-seconds", type=float, help="added to each page's reading; 0.05, with --terms 0.1")
    add("--terms", type=int, default=0, help="send so many SIGTERMs instead of all this")
    add("--term-seconds", type=float, default=1, help="from one SIGTERM to the next")
    add("--quick", action="store_true", help="short leases and delays, for short runs")
    add("--json", action="store_true")
    options = parser.parse_args()
    if options.page_seconds is None:
        options.page_seconds = 0.1 if options.terms else 0.05  # all is to be read after the last SIGTERM only
    if options.terms:
        options.child_seconds = options.worker_seconds = 0
    else:
        options.term_seconds = 0
    return options


if __name__ == "__main__":
    sys.exit(main())
