"""Measures, at default settings, how soon what the dead had in hand goes on, and whom a poison page delays.

    python benchmarks/takeover.py [--kills 5] [--documents 30] [--engine fake] [--json]

Two workers: the one that reads is killed whole with SIGKILL, its process too, at a random moment of a page.
Counted are the seconds until another process reads that page, and until one reads the rest of its range.
Then one worker: documents of one page come two a second, first by themselves, then with a document among
them whose second page kills its process each time. Counted is how much longer the slowest of the others
took. Ends with 0 if pages went on within 15 s and nobody was delayed by more than 10 s.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaos_stage import Stage, Trouble, write_document

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from crew import wait_for

_GOES_ON = 15.0  # seconds: what is promised
_DELAY = 10.0
_PAGES = 30  # of the document that is being read when its reader is killed
_APART = 0.5  # seconds from document to document
_POISON = "poison.pdf"


def main() -> int:
    """Measure, and print the figures."""
    options = _arguments()
    dice = random.Random(options.seed)  # noqa: S311  -- repeatable on purpose
    figures: dict[str, Any] = {}
    if options.kills:
        with _stage(options, workers=2, page_seconds=0.8) as stage:
            figures |= _kills(stage, options.kills, dice)
    if options.documents:
        with _stage(options, workers=1, page_seconds=0.1) as stage:
            figures |= _poison(stage, options.documents)
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, figure in figures.items():
            print(f"{name}: {figure}")
    late = [seconds for name, each in figures.items() if name.startswith("seconds until") for seconds in each]
    delay = figures.get("seconds by which the slowest of the others was delayed", 0.0)
    return 0 if max(late, default=0.0) <= _GOES_ON and delay <= _DELAY else 1


def _kills(stage: Stage, count: int, dice: random.Random) -> dict[str, Any]:
    """Kill the worker that reads, again and again."""
    in_hand: list[float] = []
    rest: list[float] = []
    for number in range(count):
        name = f"killed-{number}.pdf"
        write_document(stage.inbox / name, _PAGES)
        stage.announce(name)
        document, worker = wait_for(lambda: _reading(stage), "a page that is read")
        time.sleep(dice.random())
        began = time.time()
        stage.kill_all_of(worker)
        wait_for(lambda: stage.ended() > number, "the document's end")  # noqa: B023  -- called here
        before = {page for page, at in _readings(stage, document) if at <= began}
        again = [(page, at - began) for page, at in _readings(stage, document) if at > began]
        in_hand += [round(after, 1) for page, after in again if page in before]
        rest.append(round(min(after for page, after in again if page not in before), 1))
        stage.tend()
        stage.await_workers()
    return {
        "workers killed whole": count,
        "seconds until pages in hand were read elsewhere": in_hand,
        "seconds until the rest of their ranges was": rest,
    }


def _reading(stage: Stage) -> tuple[str, str] | None:
    """A document of which a page is read, neither the first nor one of the last, and the worker at it."""
    for beat in stage.store.fleet.workers():
        worker = stage.name_of(beat)
        for one in beat.doing:
            if one.activity == "reading" and worker and 1 < (one.page or 0) < _PAGES - 5:
                return one.document, worker
    return None


def _readings(stage: Stage, document: str) -> list[tuple[int, float]]:
    """Which pages of a document began to be read, and when."""
    return [
        (event["page"], event["at"])
        for event in _traces(stage)
        if event["event"] == "resume" and event["document"] == document
    ]


def _traces(stage: Stage) -> Iterator[dict[str, Any]]:
    for path in stage.traces.glob("trace-*.jsonl"):
        for line in path.read_text().splitlines():
            yield json.loads(line)


def _poison(stage: Stage, count: int) -> dict[str, Any]:
    """Have documents come one after the other, without and with one that kills its process."""
    calm = _paced(stage, "calm", count)
    beside = _paced(stage, "beside", count, poison=count // 3)
    found = next(one for one in stage.documents() if one.source.endswith(_POISON))
    deaths = sum(event["event"] == "resume" and event["page"] == 2 for event in _traces(stage))
    return {
        "seconds that documents took by themselves, median": round(statistics.median(calm), 2),
        "the slowest": round(max(calm), 2),
        "the slowest beside one that kills its process": round(max(beside), 2),
        "seconds by which the slowest of the others was delayed": round(max(beside) - max(calm), 2),
        "processes killed by it": deaths,
        "how it ended": f"{found.state}, {found.done} pages done, {found.failed} failed",
    }


def _paced(stage: Stage, start: str, count: int, poison: int = -1) -> list[float]:
    """Announce documents in turn, and return how long each took."""
    before = stage.ended()
    for number in range(count):
        write_document(stage.inbox / f"{start}-{number}.pdf", 1)
    write_document(stage.inbox / _POISON, 3)
    announced = {}
    for number in range(count):
        if number == poison:
            stage.announce(_POISON)
        announced[f"{start}-{number}.pdf"] = time.time()
        stage.announce(f"{start}-{number}.pdf")
        time.sleep(_APART)
    wait_for(lambda: stage.ended() >= before + count + (poison >= 0), "the end of all", patience=180)
    ended = {Path(one.source).name: one.finished or 0.0 for one in stage.documents()}
    return [ended[name] - at for name, at in announced.items()]


@contextmanager
def _stage(options: argparse.Namespace, *, workers: int, page_seconds: float) -> Iterator[Stage]:
    trouble = Trouble(failures=0.0, page_seconds=page_seconds, poison=_POISON)
    with (
        tempfile.TemporaryDirectory(prefix="takeover-") as folder,
        Stage(Path(folder), workers, trouble, {}, options.engine) as stage,
    ):
        stage.await_workers()
        yield stage


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how soon the work of the dead goes on.")
    add = parser.add_argument
    add("--seed", type=int, default=1)
    add("--kills", type=int, default=5, help="of whole workers; 0 leaves this out")
    add("--documents", type=int, default=30, help="beside the one that kills; 0 leaves this out")
    add("--engine", default="fake")
    add("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
