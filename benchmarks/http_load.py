"""Many clients at once on the HTTP service.

    python benchmarks/http_load.py [--clients 200] [--seconds 60] [--pause 2] [--workers 1]

A Valkey server, a control worker and workers that read with the fake engine, both behind the service (as in
`pageline up`), and the service, each a process. First every client uploads a document of its own, waits for
the answer and a pause, and does so again: how long answers take, and that none is an error and no document is
lost. Then all of them ask `/ocr` at once: how many are read, how many turned away, and how long the longest
wait was.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from infra.settings import Settings, load_settings
from infra.status import Store, open_store
from worker.cli.signals import ending_in_order
from worker.stack.crew import CONTROL_STEPS, READING_STEPS, yielding
from worker.stack.valkey import start_valkey

_BOUNDARY = "a-line-that-no-document-holds"
_LATE_SECONDS = 60.0  # beyond the deadline of /ocr: whoever waits longer hangs


@dataclass
class Answers:
    """What clients were told: seconds by status, and what else went wrong."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    without_retry: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, status: int, spent: float, head: str) -> None:
        """Count an answer."""
        self.seconds.setdefault(status, []).append(spent)
        if status in {429, 503} and "retry-after:" not in head.lower():
            self.without_retry += 1


@dataclass(frozen=True)
class Client:
    """Sends requests over one connection that stays open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, request: bytes) -> tuple[int, str]:
        """Send a request; returns status and head of the answer, whose body is read and forgotten."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.partition(":")[2])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        await self.reader.readexactly(length)
        return int(head.split(" ", 2)[1]), head


def picture() -> bytes:
    """A small page of text."""
    image = Image.new("RGB", (320, 80), "white")
    ImageDraw.Draw(image).text((10, 20), "Pageline 2026", fill="black", font_size=32)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def upload(page: bytes, host: str, number: int) -> bytes:
    """A request that uploads a page; no two are the same."""
    unique = page + f"{number:012d}{random.getrandbits(64):020d}".encode()
    part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{number}.png"\r\n\r\n'
    body = part.encode() + unique + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return _request(host, "/v1/documents", f"multipart/form-data; boundary={_BOUNDARY}", body)


def ocr(page: bytes, host: str) -> bytes:
    """A request that has a page read at once."""
    body = b'{"file": "' + base64.b64encode(page) + b'", "fileType": 1, "visualize": false}'
    return _request(host, "/ocr", "application/json", body)


def _request(host: str, path: str, kind: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(
    url: str, clients: int, seconds: float, pause: float, request: Callable[[str, int], bytes]
) -> Answers:
    """Have so many clients send requests for so long."""
    answers, end = Answers(), time.monotonic() + seconds
    parts = urlsplit(url)
    numbers = iter(range(10**9))

    async def one() -> None:
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311  -- so that they do not march in step
        client: Client | None = None
        while time.monotonic() < end:
            try:
                if client is None:
                    client = Client(*await asyncio.open_connection(parts.hostname, parts.port))
                made, started = request(parts.netloc, next(numbers)), time.monotonic()
                status, head = await asyncio.wait_for(client.send(made), seconds + _LATE_SECONDS)
                answers.add(status, time.monotonic() - started, head)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                answers.errors[type(error).__name__] += 1
                client = None
            await asyncio.sleep(pause)

    await asyncio.gather(*(one() for _ in range(clients)))
    return answers


def show(title: str, answers: Answers, seconds: float) -> None:
    """Print a table of what clients were told."""
    print(f"\n{title}\n\n| status | answers | a second | p50 ms | p90 ms | p99 ms | longest ms |")
    print("|---|---|---|---|---|---|---|")
    for status, spent in sorted(answers.seconds.items()):
        ordered = sorted(spent)
        marks = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 for part in (0.5, 0.9, 0.99)]
        cells = [f"{mark:.0f}" for mark in (*marks, ordered[-1] * 1000)]
        print(f"| {status} | {len(spent)} | {len(spent) / seconds:.1f} | {' | '.join(cells)} |")
    print(f"\nconnections that broke: {dict(answers.errors) or 'none'}; ", end="")
    print(f"429 and 503 without Retry-After: {answers.without_retry}")


@contextmanager
def service(folder: Path, workers: int) -> Iterator[tuple[Settings, Store, str, int]]:
    """Everything, in processes of its own: settings, status, address, and the service's process."""
    with ExitStack() as stack:
        stack.enter_context(ending_in_order())
        valkey = stack.enter_context(start_valkey(folder / "valkey"))
        settings = load_settings(
            {
                "broker_url": valkey.broker_url,
                "results": str(folder / "results"),
                "work_dir": folder / "work",
                "pipeline": {"engine": "fake", "engine_config": {"threads": 1}},
                "defaults": {"visualize": False},
                "log_level": "WARNING",
                "http": {"uploads": str(folder / "uploads"), "port": 0, "ocr_seconds": 10, "ocr_at_once": 32},
            }
        )
        address = folder / "address"
        python = [sys.executable, "-P", "-m"]
        control = yielding([*python, "worker", "--device", "control"], CONTROL_STEPS)
        reader = yielding([*python, "worker", "--device", "cpu"], READING_STEPS)
        programs = [control, *[reader] * workers]
        for number, program in enumerate([*programs, (*python, "worker.http", str(address))]):
            pid = stack.enter_context(process(program, settings, folder / f"{number}.log"))
        store = open_store(settings)
        stack.callback(store.close)
        while len(ready(store)) <= workers or not address.exists():
            time.sleep(0.1)
        yield settings, store, address.read_text(), pid


@contextmanager
def process(program: Sequence[str], settings: Settings, log: Path) -> Iterator[int]:
    """A program, ended with the context."""
    with log.open("wb") as output:
        environment = {**os.environ, **settings.environment(), "OMP_NUM_THREADS": "1"}
        started = subprocess.Popen(program, env=environment, stdout=output, stderr=output)
        try:
            yield started.pid
        finally:
            started.terminate()
            try:
                started.wait(15)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor so far; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ready(store: Store) -> list[str]:
    """Workers that can take work."""
    return [beat.name for beat in store.fleet.workers() if beat.state != "warming"]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between a client's requests")
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    page = picture()
    with (
        tempfile.TemporaryDirectory() as folder,
        service(Path(folder), chosen.workers) as (settings, store, url, pid),
    ):
        asyncio.run(load(url, 10, 2, 0.1, lambda host, number: upload(page, host, number)))
        began = processor_seconds(pid)
        before = len(list(Path(settings.http.uploads.removeprefix("file://")).glob("*/*")))
        answers = asyncio.run(
            load(url, chosen.clients, chosen.seconds, chosen.pause, lambda host, n: upload(page, host, n))
        )
        title = (
            f"POST /v1/documents, {chosen.clients} clients, a pause of {chosen.pause:g} s after each answer"
        )
        show(title, answers, chosen.seconds)
        spent = processor_seconds(pid) - began
        each = spent / sum(map(len, answers.seconds.values())) * 1000
        print(f"processor time of the service: {each:.1f} ms an answer")
        taken = len(answers.seconds.get(202, []))
        requests = sum(1 for _ in Path(settings.results.removeprefix("file://")).rglob("request.json"))
        print(f"documents answered with 202: {taken}; requests stored: {requests - before}")
        seconds = min(15.0, chosen.seconds)
        show(
            f"POST /ocr, {chosen.clients} clients at once behind what still waits, deadline "
            f"{settings.http.ocr_seconds:g} s",
            asyncio.run(load(url, chosen.clients, seconds, 0.5, lambda host, _: ocr(page, host))),
            seconds,
        )
        print(f"documents not read yet: {len(store.listing.active(10**6))}")


if __name__ == "__main__":
    main()
