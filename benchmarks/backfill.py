"""Backfills a bucket of a real S3 server, while the command is killed and called again.

    python benchmarks/backfill.py [--objects 12000] [--kills 3] [--take-in]

`pageline backfill` announces what lies in a SeaweedFS bucket. First `--dry-run` lists everything. Then the
command gets a SIGKILL as often as `--kills` says, evenly over what it announces, and is called again each
time. Printed: objects a minute that were listed and announced, and processor time for an object. `--since` is
tried with a moment between two uploads. With `--take-in` a control worker takes everything in meanwhile.
Ends with 0 only if every object is announced, and with `--take-in` is a document once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events_stage import SOURCE, Stage, cpu_seconds, stage, wait

from infra.lines import ingest_lane
from worker.stack.processes import ChildProcess, python_command


@dataclass
class Spent:
    """What calls of the command took."""

    seconds: float = 0.0
    cpu: float = 0.0


def main() -> int:
    """Run it and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=12_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--take-in", action="store_true")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pageline-backfill-") as folder,
        stage(Path(folder), "seaweedfs", control=options.take_in) as made,
    ):
        report = _run(made, options)
    print(", ".join(f"{name} {value}" for name, value in report.items()))
    return int(report["wrong"])


def _run(made: Stage, options: argparse.Namespace) -> dict[str, Any]:
    objects: int = options.objects
    made.put(objects)
    started = time.monotonic()
    listed = len(_output(made, "--dry-run"))
    dry = time.monotonic() - started
    began, spent = time.monotonic(), Spent()
    for number in range(options.kills):
        _call(made, spent, objects * (number + 1) // (options.kills + 1))
    _call(made, spent, None)
    found = _documents(made) if options.take_in else _in_line(made)
    return {
        "objects": objects,
        "listed a minute": round(60 * listed / dry),
        "announced a minute": round(60 * objects / spent.seconds),
        "milliseconds of processor time to announce one": round(1000 * spent.cpu / objects, 2),
        "killed": options.kills,
        "documents" if options.take_in else "in line": len(found),
        "seconds in all": round(time.monotonic() - began),
        "since": _since(made),
        "wrong": not (listed == len(found) == objects and set(found.values()) == {1}),
    }


def _documents(made: Stage) -> Counter[str]:
    """What is a document, once all was taken in."""
    wait(lambda: made.store.fleet.waiting() == 0, seconds=3600, pause=1)
    requests = (json.loads(path.read_bytes()) for path in (made.folder / "out").rglob("request.json"))
    return Counter(request["source"]["uri"] for request in requests)  # Redis lists the latest 10,000 alone


def _in_line(made: Stage) -> Counter[str]:
    """What is announced, the one that was sent at once among it."""
    lane = ingest_lane("default")
    refs: set[str] = set()
    for name in ("waiting", "released"):
        refs.update(made.store.client.zrange(made.store.keys(name, lane), 0, -1))
    return Counter(json.loads(ref)["key"] for ref in refs)


def _call(made: Stage, spent: Spent, until: int | None) -> None:
    """Call the command; with `until`, kill it when so many are known or wait to be."""
    log = made.folder / "backfill.log"
    with ChildProcess(_command(), made.environment(), log) as process:
        started, cpu = time.monotonic(), 0.0
        while process.poll() is None:
            try:
                cpu = cpu_seconds(process.pid)
            except (FileNotFoundError, IndexError):
                break
            if until is not None and made.announced() >= until:
                process.kill()
            time.sleep(0.2)
        code = process.wait()
    spent.seconds += time.monotonic() - started
    spent.cpu += cpu
    if code and until is None:
        raise SystemExit(log.read_text())


def _since(made: Stage) -> str:
    """Upload two more, and see that only those are found behind the moment before."""
    time.sleep(2)  # the server's clock counts whole seconds
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    client = made.client("s3")
    for name in ("later-1.pdf", "later-2.pdf"):
        client.put_object(Bucket="uploads", Key=f"in/{name}", Body=b"%PDF-")
    found = _output(made, "--dry-run", "--since", moment)
    return "as it should" if found == [f"{SOURCE}/later-1.pdf", f"{SOURCE}/later-2.pdf"] else f"found {found}"


def _output(made: Stage, *more: str) -> list[str]:
    done = subprocess.run(_command(*more), env=made.environment(), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _command(*more: str) -> list[str]:
    return python_command("-m", "worker.cli", "backfill", SOURCE, *more)


if __name__ == "__main__":
    sys.exit(main())
