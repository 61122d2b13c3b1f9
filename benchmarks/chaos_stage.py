"""The stage for `chaos.py`: a Valkey server, workers that are started again whenever they end, documents."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from PIL import Image, ImageDraw

from infra.errors import BrokerUnavailable, ServiceError
from infra.settings import Settings, load_settings
from infra.status import DocumentStatus, Heartbeat, Store, open_store
from pipelines.errors import InputError
from pipelines.read import probe
from tasks.produce import Producer
from tasks.records import DocumentRef
from worker.cli.signals import ending_in_order
from worker.stack.crew import worker_environment
from worker.stack.plan import Plan
from worker.stack.processes import ChildProcess
from worker.stack.valkey import start_valkey

_PROGRAM = Path(__file__).with_name("chaos_worker.py")
_PAGES = (2, 20)  # fewest and most of a document: eleven on average
_GONE = "storage-gone"
_START_SECONDS = 120.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Trouble:
    """What workers are told: see `chaos_worker`."""

    failures: float
    page_seconds: float
    poison: str = ""


class Stage:
    """Everything that runs, below one folder; a context that ends all of it, also on SIGTERM."""

    def __init__(
        self, folder: Path, workers: int, trouble: Trouble, queue: dict[str, Any], engine: str
    ) -> None:
        self.folder = folder
        self.inbox = folder / "in"
        self.traces = folder / "traces"
        self.results = folder / "out"
        for made in (self.inbox, self.traces, self.results):
            made.mkdir(parents=True)
        self._members: dict[str, ChildProcess] = {}
        self.restarts = 0
        self._told_to_end: set[int] = set()
        with ExitStack() as exits:
            self._begin(exits, workers, trouble, queue, engine)
            self._exits = exits.pop_all()

    def _begin(
        self, exits: ExitStack, workers: int, trouble: Trouble, queue: dict[str, Any], engine: str
    ) -> None:
        """Start everything; `exits` ends as much of it as was started."""
        exits.enter_context(ending_in_order())
        self._valkey = start_valkey(self.folder / "valkey")
        exits.callback(lambda: self._valkey.stop())  # noqa: PLW0108  -- whichever it is then
        self.settings = self._settings(queue, engine)
        self.store: Store = open_store(self.settings)
        exits.callback(self.store.close)
        self._producer = Producer(self.settings.broker_url, key_prefix=self.settings.key_prefix)
        exits.callback(self._producer.close)
        told = json.dumps({"folder": str(self.traces), **vars(trouble)})
        plan = Plan(workers=workers, engine=engine)
        self._environment = {**worker_environment(self.settings, plan), "OMP_NUM_THREADS": "1", "CHAOS": told}
        exits.callback(self.end_workers)
        for name in ["control", *(f"cpu-{number}" for number in range(1, workers + 1))]:
            self._members[name] = self._start(name)

    def _settings(self, queue: dict[str, Any], engine: str) -> Settings:
        return load_settings(
            {
                "broker_url": self._valkey.broker_url,
                "results": str(self.results),
                "sources": [str(self.inbox)],
                "work_dir": self.folder / "work",
                "pipeline": {"engine": engine},
                "defaults": {"visualize": False},
                "queue": queue,
            }
        )

    def _start(self, name: str) -> ChildProcess:
        log = self.folder / "logs" / f"{name}.{len(list(self.folder.glob(f'logs/{name}.*')))}.log"
        command = [sys.executable, "-P", str(_PROGRAM), "--device", name.partition("-")[0]]
        return ChildProcess(command, self._environment, log, name=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def end_workers(self) -> None:
        """End all workers."""
        for member in self._members.values():
            member.kill()

    def announce(self, name: str) -> None:
        """Announce a document of the inbox."""
        self._producer.announce(DocumentRef(source=f"file://{self.inbox}", key=name))

    def tend(self) -> None:
        """Start whatever has ended again."""
        for name, member in self._members.items():
            if member.poll() is not None:
                self._members[name] = self._start(name)
                self.restarts += 1

    def documents(self) -> list[DocumentStatus]:
        """What Redis knows; nothing while it is away."""
        with suppress(BrokerUnavailable):
            return self.store.listing.recent(100_000)
        return []

    def written(self) -> int:
        """Pages whose JSON lies in the storage."""
        return sum(1 for _ in self.results.glob("*/*/pages/*.json"))

    def ended(self) -> int:
        """Documents whose manifest lies in the storage."""
        return sum(1 for _ in self.results.glob("*/*/document.json"))

    def await_workers(self) -> None:
        """Wait until all of them can take work."""
        until = time.monotonic() + _START_SECONDS
        while sum(beat.state != "warming" for beat in self.store.fleet.workers()) < len(self._members):
            if time.monotonic() > until:
                raise ServiceError(f"the workers do not start; their logs are in {self.folder}")
            time.sleep(_POLL_SECONDS)

    def busy(self) -> list[str]:
        """The workers that have a child at work, and have not been told to end."""
        with suppress(BrokerUnavailable):
            beats = self.store.fleet.workers()
            names = {beat.name.rpartition(".")[2] for beat in beats if beat.state == "busy"}
            living = {name: member.pid for name, member in self._members.items()}
            return [
                name for name, pid in living.items() if str(pid) in names and pid not in self._told_to_end
            ]
        return []

    def kill_child(self, dice: random.Random) -> bool:
        """Kill the process that works in one of the workers; False when there is none just now."""
        child = _child_of(self._members[dice.choice(sorted(self._members))].pid)
        if child is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return True

    def kill_all_of(self, name: str) -> None:
        """Kill a worker and the process that works for it at once, as when its host is lost."""
        pid = self._members[name].pid
        for one in (pid, _child_of(pid)):
            if one is not None:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)

    def name_of(self, beat: Heartbeat) -> str | None:
        """The name of the worker that a heartbeat is of."""
        pid = beat.name.rpartition(".")[2]
        return next((name for name, member in self._members.items() if str(member.pid) == pid), None)

    def signal_worker(self, name: str, number: signal.Signals) -> bool:
        """Send a worker's main process a signal."""
        if number == signal.SIGTERM:
            self._told_to_end.add(self._members[name].pid)
        with suppress(ProcessLookupError):
            os.kill(self._members[name].pid, number)
            return True
        return False

    def kill_worker(self, dice: random.Random) -> bool:
        """Kill a worker whole: the processes it leaves behind go when it is tended."""
        return self.signal_worker(dice.choice(sorted(self._members)), signal.SIGKILL)

    def restart_valkey(self) -> bool:
        """Kill the server and start it again with what it has on disk."""
        os.kill(self._valkey.process.pid, signal.SIGKILL)
        self._valkey.process.wait(30)
        self._valkey = start_valkey(self.folder / "valkey")
        return True

    def take_storage(self) -> bool:
        """Have the storage be gone."""
        (self.traces / _GONE).touch()
        return True

    def return_storage(self) -> None:
        """Have it back."""
        (self.traces / _GONE).unlink(missing_ok=True)


def write_documents(inbox: Path, count: int, dice: random.Random) -> dict[str, int]:
    """Write documents of some small pages each; returns their names and numbers of pages."""
    pages: dict[str, int] = {}
    previous = ""
    for number in range(1, count + 1):
        name = f"{number:04d}.{dice.choice(('pdf', 'pdf', 'tiff'))}"
        # Two documents that follow each other have eleven pages a document, whatever the dice say.
        pages[name] = dice.randint(*_PAGES) if number % 2 else sum(_PAGES) - pages[previous]
        previous = name
        write_document(inbox / name, pages[name])
    return pages


def take_documents(inbox: Path, folder: Path) -> dict[str, int]:
    """Copy the PDFs of a folder; returns their names and numbers of pages."""
    pages: dict[str, int] = {}
    for source in sorted(folder.glob("*.pdf")):
        try:
            pages[source.name] = len(probe(source).pages)
        except InputError:  # what cannot be opened has no pages to be lost
            continue
        shutil.copyfile(source, inbox / source.name)
    return pages


def write_document(path: Path, pages: int) -> None:
    """Write a document of so many small pages."""
    first, *others = [_page(f"{path.stem} {number}") for number in range(1, pages + 1)]
    first.save(path, save_all=True, append_images=others)


def _page(text: str) -> Image.Image:
    page = Image.new("RGB", (160, 60), "white")
    ImageDraw.Draw(page).text((10, 20), text, fill="black", font_size=16)
    return page


def _child_of(pid: int) -> int | None:
    """Find the process that a worker has spawned for its tasks."""
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None
