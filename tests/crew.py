"""Workers in processes of their own, for tests of the queue, and documents for them to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image, ImageDraw

from infra.settings import Settings, load_settings
from infra.status import DocumentStatus, Heartbeat, Store, open_store
from tasks.produce import Producer
from tasks.records import DocumentRef

_TESTS = Path(__file__).parent
PATIENCE = 120.0  # seconds until an event that should come counts as not coming
# Quick enough for tests to see leases run out, slow enough for a machine with much to do.
QUICK = {
    "lease_seconds": 3,
    "heartbeat_seconds": 0.5,
    "sweep_seconds": 0.2,
    "reconcile_seconds": 0.5,
    "resend_seconds": 4,
    "retry_seconds": 0.2,
    "range_pages": 3,
}
Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found | None], what: str = "the event", *, patience: float = PATIENCE
) -> Found:
    """Return what `look` finds, as soon as it finds anything; fail when it never does."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"this never came: {what}")


def write_pdf(path: Path, pages: int, *, size: tuple[int, int] = (160, 60)) -> Path:
    """Write a PDF whose pages have a line of text each."""
    first, *others = [_page(f"Page {number} of {pages}", size) for number in range(1, pages + 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, save_all=True, append_images=others)
    return path


def _page(text: str, size: tuple[int, int]) -> Image.Image:
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).text((10, 20), text, fill="black", font_size=16)
    return page


class Site:
    """One test's own queue, folders and workers."""

    def __init__(self, folder: Path, broker_url: str, prefix: str, **values: Any) -> None:
        self.inbox = folder / "in"
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        queue = {**QUICK, **values.pop("queue", {})}
        self.settings: Settings = load_settings(
            {
                "broker_url": broker_url,
                "key_prefix": prefix,
                "results": str(folder / "out"),
                "sources": [str(self.inbox)],
                "work_dir": folder / "work",
                "pipeline": {"engine": "fake"},
                "defaults": {"visualize": False},
                "queue": queue,
                **values,
            }
        )
        self.store: Store = open_store(self.settings)
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(
        self,
        device: str,
        *,
        arguments: Sequence[str] = (),
        program: str = "faulty_worker.py",
        **faults: Any,
    ) -> subprocess.Popen[bytes]:
        """Start a worker; wait for it with `ready`."""
        started = [str(_TESTS / program)] if faults else ["-m", "worker"]
        log = (self.folder / f"{device}-{time.time_ns()}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-P", *started, "--device", device, *arguments],
            env={
                **os.environ,
                **self.settings.environment(),
                "FAULTS": json.dumps(faults),
                "OMP_NUM_THREADS": "1",
            },
            stdout=log,
            stderr=log,
            cwd=self.folder,
        )
        self._processes.append((device, process))
        return process

    def ready(self, **kinds: int) -> list[Heartbeat]:
        """Wait until so many workers of each kind can take work."""

        def look() -> list[Heartbeat] | None:
            beats = [beat for beat in self.store.fleet.workers() if beat.state != "warming"]
            counts = {kind: sum(beat.kind == kind for beat in beats) for kind in kinds}
            return beats if counts == kinds else None

        return wait_for(look, f"workers {kinds}; logs in {self.folder}")

    def announce(self, key: str, **options: Any) -> None:
        """Announce a document of the inbox."""
        with self.producer() as producer:
            producer.announce(DocumentRef(source=f"file://{self.inbox}", key=key, options=options))

    def producer(self) -> Producer:
        """Whoever announces."""
        return Producer(self.settings.broker_url, key_prefix=self.settings.key_prefix)

    def documents(self) -> list[DocumentStatus]:
        """All documents Redis knows."""
        return self.store.listing.recent(1000)

    def ended(self, count: int = 1) -> list[DocumentStatus]:
        """Wait until `count` documents have ended, and return them in the order of their sources."""

        def look() -> list[DocumentStatus] | None:
            found = [document for document in self.documents() if document.terminal]
            return sorted(found, key=lambda document: document.source) if len(found) >= count else None

        return wait_for(look, f"{count} documents that have ended; logs in {self.folder}")

    def results(self, document: DocumentStatus) -> Path:
        """The folder of a document's results."""
        return Path(self.settings.results.removeprefix("file://"), document.folder)

    def manifest(self, document: DocumentStatus) -> dict[str, Any]:
        """A document's manifest."""
        found: dict[str, Any] = json.loads((self.results(document) / "document.json").read_bytes())
        return found

    def child_pid(self, device: str = "cpu") -> int:
        """The process that reads in the only worker of a device."""
        return next(beat.pid for beat in self.store.fleet.workers() if beat.device == device)

    def logs(self) -> str:
        """What the workers wrote."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self, *devices: str) -> None:
        """End the workers of some devices, or all."""
        ending = [process for device, process in self._processes if not devices or device in devices]
        for process in ending:
            process.terminate()
        for process in ending:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = [entry for entry in self._processes if entry[1] not in ending]

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.store.close()


@contextmanager
def site(folder: Path, broker_url: str, prefix: str, **values: Any) -> Iterator[Site]:
    """A site whose workers end with the context."""
    made = Site(folder, broker_url, prefix, **values)
    try:
        yield made
    finally:
        made.close()


def states(manifest: Mapping[str, Any]) -> list[str]:
    """The states of a manifest's pages."""
    return [page["state"] for page in manifest["pages"]]
