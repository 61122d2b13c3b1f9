"""Scales real workers by our own manifests, as KEDA would: 0 to 8 to 0, and no page is lost or repeated.

    python benchmarks/autoscale.py [--most 8] [--quicker 10] [--seconds 0.4] [--documents 12] [--pages 30]
        [--trickle 30] [--kind cpu] [--json]

A real Valkey server, a control worker and the HTTP service run all the time. What KEDA and a
HorizontalPodAutoscaler would do (`autoscale_rules.py`) is done to worker processes, by the ScaledObject and
the Deployment in `infra/deploy/kubernetes`, all of whose rhythms are `--quicker` times as fast; the value
comes from the service's `/scale/cpu`, which needs keys and leaves open what its manifest says. Documents of
`--pages` pages, `--seconds` each, come at once; when they are read, single ones keep a few workers busy for
`--trickle` seconds, so that workers are ended while others, or they, read. One that is ended gets SIGTERM,
and SIGKILL after the Deployment's grace period; those that were started last go first, as in a ReplicaSet.
Printed is how the number of workers went, and what became of the pages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pypdfium2 as pdfium
import uvicorn
import yaml

sys.path.append(str(Path(__file__).parent))  # imported by a test, this folder is not searched
from autoscale_rules import Autoscaler, Rules, read_rules

from infra.settings import PREFIX, Settings, load_settings
from infra.status import Store, open_store
from infra.status.states import DocumentState
from tasks.produce import Producer
from tasks.records import DocumentRef
from worker.cli.signals import ending_in_order
from worker.http.app import build
from worker.http.desk import open_desk
from worker.http.serving import address_of, listening
from worker.stack.processes import ChildProcess
from worker.stack.valkey import start_valkey

_PROGRAM = Path(__file__).with_name("paced_worker.py")
_MANIFESTS = Path(__file__).resolve().parents[1] / "infra" / "deploy" / "kubernetes"
_PATIENCE_SECONDS = 280.0
_LOOK_SECONDS = 0.05
_TRICKLE_SECONDS = 0.7  # between single documents


@dataclass(slots=True)
class Replicas:
    """The workers of one kind, as a ReplicaSet keeps them."""

    folder: Path
    environment: dict[str, str]
    kind: str
    grace: float
    running: list[ChildProcess] = field(default_factory=list)
    leaving: list[tuple[float, ChildProcess]] = field(default_factory=list)
    killed: int = 0
    odd_ends: list[str] = field(default_factory=list)
    _started: int = 0

    def become(self, count: int) -> None:
        """Start and end workers until there are so many."""
        while len(self.running) < count:
            self._started += 1
            self.running.append(self._start(f"{self.kind}-{self._started}", self.kind))
        while len(self.running) > count:
            process = self.running.pop()
            os.kill(process.pid, signal.SIGTERM)
            self.leaving.append((time.monotonic() + self.grace, process))

    def tend(self) -> None:
        """Take note of those that have ended, and kill those whose grace is over."""
        for entry in list(self.leaving):
            until, process = entry
            status = process.poll()
            if status is None and time.monotonic() < until:
                continue
            if status is None:
                process.kill()
                self.killed += 1
            elif status != 0 and not (status == -signal.SIGTERM and self._had_not_begun(process)):
                self.odd_ends.append(f"{process.name} ended with {status}: {process.log_tail()}")
            self.leaving.remove(entry)
        for process in [one for one in self.running if one.poll() is not None]:
            self.odd_ends.append(f"{process.name} ended by itself: {process.log_tail()}")
            self.running.remove(process)

    @staticmethod
    def _had_not_begun(process: ChildProcess) -> bool:
        """Whether it was ended before it could know how to: it has not even said anything."""
        return process.log_path.stat().st_size == 0

    def close(self) -> None:
        """End all at once."""
        for process in [*self.running, *(process for _, process in self.leaving)]:
            process.kill()

    def _start(self, name: str, device: str) -> ChildProcess:
        command = [sys.executable, "-P", str(_PROGRAM), "--device", device]
        return ChildProcess(command, self.environment, self.folder / f"{name}.log", name=name)


@dataclass(slots=True)
class Stage:
    """Everything but the workers that are scaled."""

    folder: Path
    settings: Settings
    store: Store
    service: httpx.Client
    pages: Counter[str] = field(default_factory=Counter)

    def announce(self, name: str, pages: int) -> None:
        """Bring a document."""
        document = pdfium.PdfDocument.new()
        for _ in range(pages):
            document.new_page(72, 36)
        document.save(self.folder / "in" / name)
        self.pages[name] = pages
        with Producer(self.settings.broker_url, key_prefix=self.settings.key_prefix) as producer:
            producer.announce(DocumentRef(source=f"file://{self.folder / 'in'}", key=name))

    def ended(self) -> int:
        """How many documents have."""
        return sum(one.terminal for one in self.store.listing.recent(10_000))

    def begun(self) -> Counter[tuple[str, int]]:
        """How often the reading of each page was begun."""
        lines = (self.folder / "begun").read_text("utf-8").splitlines()
        words = (line.split(maxsplit=2) for line in lines)
        return Counter((Path(source).name, int(number)) for _, number, source in words)


@contextmanager
def stage(seconds: float) -> Iterator[tuple[Stage, dict[str, str]]]:
    """A stage with a control worker and the service, and the environment of workers."""
    with ExitStack() as stack:
        stack.enter_context(ending_in_order())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        valkey = stack.enter_context(start_valkey(folder / "valkey"))
        (folder / "in").mkdir()
        (folder / "begun").touch()
        settings = load_settings(
            {
                "broker_url": valkey.broker_url,
                "results": str(folder / "out"),
                "sources": [str(folder / "in")],
                "work_dir": folder / "work",
                "pipeline": {"engine": "fake"},
                "defaults": {"visualize": False},
                "queue": {"range_pages": 4, "heartbeat_seconds": 1, "lease_seconds": 5, "sweep_seconds": 0.5},
                "http": deployed_http() | {"host": "127.0.0.1", "port": 0, "keys_file": folder / "keys"},
            }
        )
        pace = {"PACE": str(seconds), "PACE_LOG": str(folder / "begun"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **settings.environment(), **pace}
        command = [sys.executable, "-P", "-m", "worker", "--device", "control"]
        control = ChildProcess(command, environment, folder / "control.log", name="control")
        stack.callback(control.kill)
        store = open_store(settings)
        stack.callback(store.close)
        yield Stage(folder, settings, store, stack.enter_context(service(settings))), environment


def deployed_http() -> dict[str, str]:
    """Return what the service's manifest says of HTTP."""
    objects = yaml.safe_load_all((_MANIFESTS / "base" / "serve.yaml").read_text("utf-8"))
    (deployment,) = (one for one in objects if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    start = f"{PREFIX}HTTP__"
    told = {one["name"]: one["value"] for one in container["env"] if one["name"].startswith(start)}
    return {name.removeprefix(start).lower(): value for name, value in told.items()}


@contextmanager
def service(settings: Settings) -> Iterator[httpx.Client]:
    """The HTTP service, in a thread of this process."""
    with open_desk(settings) as desk, listening(settings) as link:
        server = uvicorn.Server(uvicorn.Config(build(desk), log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([link])))
        thread.start()
        try:
            with httpx.Client(base_url=address_of(link), timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


class Run:
    """One run: time, what is asked for, and how many workers there are because of it."""

    def __init__(self, place: Stage, rules: Rules, replicas: Replicas) -> None:
        self._place = place
        self._rules = rules
        self._replicas = replicas
        self._scaler = Autoscaler(rules)
        self._begun = time.monotonic()
        self._polled = self._synced = float("-inf")
        self.went: list[tuple[float, int]] = [(0.0, 0)]
        self.ended_busy = 0

    def look(self) -> None:
        """Do what KEDA and Kubernetes would do by now."""
        self._replicas.tend()
        now, count = time.monotonic(), len(self._replicas.running)
        wanted = count
        if now - self._polled >= self._rules.polling:
            self._polled = now
            wanted = self._scaler.poll(now, self._value(), count)
        elif now - self._synced >= self._rules.sync:
            self._synced = now
            wanted = self._scaler.sync(now, self._value(), count)
        if wanted != count:
            self._scale(wanted)
        time.sleep(_LOOK_SECONDS)

    def _scale(self, wanted: int) -> None:
        going = {process.pid for process in self._replicas.running[wanted:]}
        beats = self._place.store.fleet.workers()
        self.ended_busy += sum(
            beat.state == "busy" and int(beat.name.rpartition(".")[2]) in going for beat in beats
        )
        self._replicas.become(wanted)
        self.went.append((round(time.monotonic() - self._begun, 1), wanted))

    def _value(self) -> float:
        answer = self._place.service.get(self._rules.path)
        answer.raise_for_status()
        return float(answer.json()[self._rules.location])


def play(place: Stage, run: Run, replicas: Replicas, arguments: argparse.Namespace) -> None:
    """Bring documents, first many and then few, and wait until all are read and no worker is left."""
    for number in range(arguments.documents):
        place.announce(f"first-{number}.pdf", arguments.pages)
    until = time.monotonic() + _PATIENCE_SECONDS
    trickle_ends, next_one = float("inf"), float("inf")
    while time.monotonic() < until:
        run.look()
        now = time.monotonic()
        over = place.ended() == len(place.pages)
        if over and trickle_ends == float("inf"):
            trickle_ends, next_one = now + arguments.trickle, now
        if now >= next_one and now < trickle_ends:
            next_one = now + _TRICKLE_SECONDS
            place.announce(f"later-{len(place.pages)}.pdf", 3)
        elif over and now >= trickle_ends and not replicas.running and not replicas.leaving:
            return
    raise TimeoutError(f"there is no end: {run.went}, {replicas.odd_ends}")


def report(place: Stage, run: Run, replicas: Replicas, most: int) -> dict[str, Any]:
    """Say how it went, and what was wrong with it."""
    documents = place.store.listing.recent(10_000)
    begun = place.begun()
    lost = sum(place.pages.values()) - sum(one.done for one in documents)
    repeated = sum(count - 1 for count in begun.values())
    peak = max(count for _, count in run.went)
    faults = [
        *(f"{one.source} is {one.state}" for one in documents if one.state is not DocumentState.SUCCEEDED),
        *([f"{lost} pages were lost"] if lost else []),
        *([f"{repeated} pages were begun more than once"] if repeated else []),
        *([f"{replicas.killed} workers did not end in time"] if replicas.killed else []),
        *([f"there were {peak} workers at most"] if peak < most else []),
        *replicas.odd_ends,
    ]
    return {
        "pages": sum(place.pages.values()),
        "documents": len(place.pages),
        "lost": lost,
        "repeated": repeated,
        "peak": peak,
        "ended_while_busy": run.ended_busy,
        "went": run.went,
        "faults": faults,
    }


def main() -> None:
    """Run it once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most", type=int, default=8, help="workers at most")
    parser.add_argument("--quicker", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=0.4, help="for a page")
    parser.add_argument("--documents", type=int, default=12)
    parser.add_argument("--pages", type=int, default=30)
    parser.add_argument("--trickle", type=float, default=30, help="seconds")
    parser.add_argument("--kind", default="cpu")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    scaled = _MANIFESTS / "components" / "scaling" / arguments.kind / "scaledobject.yaml"
    base = _MANIFESTS / ("base" if arguments.kind == "cpu" else f"components/{arguments.kind}")
    rules = read_rules(scaled, base / f"{arguments.kind}.yaml", quicker=arguments.quicker)
    rules = replace(rules, most=min(rules.most, arguments.most))
    with stage(arguments.seconds) as (place, environment):
        replicas = Replicas(place.folder, environment, "cpu", rules.grace)
        run = Run(place, rules, replicas)
        try:
            play(place, run, replicas, arguments)
            found = report(place, run, replicas, arguments.most)
        finally:
            replicas.close()
    _print(found, as_json=arguments.json)
    sys.exit(bool(found["faults"]))


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    print("workers: " + ", ".join(f"{count} at {at:g} s" for at, count in found["went"]))
    for name in ("documents", "pages", "lost", "repeated", "peak", "ended_while_busy"):
        print(f"{name.replace('_', ' '):18} {found[name]}")
    for fault in found["faults"]:
        print(f"fault: {fault}")


if __name__ == "__main__":
    main()
