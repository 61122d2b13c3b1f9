"""Measures what waiting documents cost: Redis per document and page, a control process's memory, rates.

    python benchmarks/queue_memory.py [--pages 10000] [--single 100000] [--large 1000] [--ingest 1000]

Against a Valkey server of its own, through the program's own scripts: a PDF of so many pages is split as a
control worker does it; so many documents of one page wait for their split, then for being read; so many of a
thousand A4 pages do. What a document costs depends on nothing but itself (each has its own keys and one
member in a few shared ones), so figures hold for more. Ingest counts whole announcements, storage included.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

from infra.settings import Settings, load_settings
from infra.status import Store, open_store
from infra.status.scripts import Scripts, bodies
from infra.status.states import DocumentState, PageState
from infra.status.status import Status, split_step
from infra.status.work import Claim
from tasks.context import Context, Tools
from tasks.heart import Heart
from tasks.ingest import ingest
from tasks.memory import resident_mb
from tasks.ranges import plan_ranges
from tasks.records import DocumentRef
from tasks.sourcecache import SourceCache
from tasks.split import split
from tasks.spool import Spool
from worker.cli.signals import ending_in_order
from worker.stack.valkey import start_valkey

_A4_MEGAPIXELS = 8.7  # at 300 dpi
_LARGE_PAGES = 1000
_BATCH = 500  # calls a round trip
_FIELDS = {
    "tenant": "default",
    "priority": "normal",
    "device": "",
    "source": "s3://letters/inbox/2026/11/22/letter-000000.pdf",
    "folder": "results/inbox/2026/11/22/letter-000000.pdf/0123456789abcdef0123456789abcdef",
}


class Batched:
    """Runs scripts as `Scripts` does, many a round trip; answers what calls do that go well."""

    _ANSWERS: ClassVar[Mapping[str, Any]] = {
        "open": (1, DocumentState.RECEIVED, 1),
        "line_up": [],
        "claim": (Claim.GO, 1),
        "split_done": DocumentState.PROCESSING,
    }

    def __init__(self, store: Store) -> None:
        self._pipe = store.client.pipeline(transaction=False)
        self._scripts = {
            name: store.client.register_script(body) for name, body in bodies(store.keys.prefix).items()
        }
        self._place = store.keys("answer", uuid.uuid4().hex)

    def run(self, name: str, *arguments: str | float | bytes) -> Any:
        """Have a script run; the call is on its way after some others."""
        self._scripts[name](keys=[self._place], args=[*arguments, uuid.uuid4().hex], client=self._pipe)
        if len(self._pipe) >= _BATCH:
            self.flush()
        return self._ANSWERS.get(name)

    def flush(self) -> None:
        """Have all run. Raises what one of them raises."""
        self._pipe.execute()


class Bench:
    """A context of a control worker, without Celery, below one folder."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.inbox = folder / "in"
        self.inbox.mkdir()
        self.settings: Settings = load_settings(
            {
                "broker_url": broker_url,
                "results": str(folder / "out"),
                "sources": [str(self.inbox)],
                "work_dir": folder / "work",
                "pipeline": {"engine": "fake"},
            }
        )
        self.store: Store = open_store(self.settings)
        heart = Heart(self.store.status, self.settings.queue, worker="w", say=lambda _: None)
        cache = SourceCache(self.settings.work_dir, self.settings.cache_bytes, used=folder / "used")
        spool = Spool(self.settings.work_dir, self.settings.spool_bytes)
        tools = Tools(self.settings, self.store, lambda *_: None)
        self.context = Context(tools, heart, cache, spool, lambda: False)

    def used(self) -> int:
        """Bytes that the server has given to its data."""
        return int(cast("dict[str, Any]", self.store.client.info("memory"))["used_memory"])

    def cost_of(self, document: str) -> int:
        """Bytes of a document's own keys."""
        keys = self.store.client.scan_iter(f"{self.settings.key_prefix}doc:{document}*", count=1000)
        return sum(int(cast("int", self.store.client.memory_usage(str(key), samples=0))) for key in keys)

    def take(self, name: str) -> str:
        """Ingest a document of the inbox; returns its id."""
        found = ingest(self.context, DocumentRef(source=f"file://{self.inbox}", key=name))
        assert found is not None
        return found

    def open_all(self, count: int) -> list[str]:
        """Have so many documents wait for their split; returns their ids."""
        documents = [uuid.uuid4().hex for _ in range(count)]
        with self._batched() as status:
            for document in documents:
                status.open(document, _FIELDS)
                status.line_up(split_step(document, 1))
        return documents

    def split_all(self, documents: Sequence[str], pages: int) -> None:
        """Have documents of so many A4 pages wait for being read."""
        firsts = plan_ranges([_A4_MEGAPIXELS] * pages, most_megapixels=16, most_pages=64)
        states = [PageState.PENDING] * pages
        fields = {"megapixels": f"{pages * _A4_MEGAPIXELS:.3f}", "media_type": "application/pdf"}
        with self._batched() as status:
            for document in documents:
                step = split_step(document, 1)
                status.claim(step, "w#1#1")
                status.split_done(step, "w#1#1", pages=states, firsts=firsts, reasons={}, fields=fields)
                status.over(step)
        assert self.store.fleet.lane_sizes()["default:normal"] == len(documents)

    @contextmanager
    def _batched(self) -> Iterator[Status]:
        batched = Batched(self.store)
        yield Status(cast("Scripts", batched), self.settings.queue)
        batched.flush()


def main() -> int:
    """Measure, and print the figures."""
    options = _arguments()
    figures: dict[str, float] = {}
    for measure, count in (
        (_huge, options.pages),
        (_single, options.single),
        (_large, options.large),
        (_ingested, options.ingest),
    ):
        if count > 0:
            with _bench() as bench:
                found = measure(bench, count)
            figures |= found
            for name, figure in () if options.json else found.items():
                print(f"{name}: {figure:,.1f}", flush=True)
    if options.json:
        print(json.dumps(figures, indent=1))
    return 0


def _huge(bench: Bench, pages: int) -> dict[str, float]:
    """One PDF of so many pages."""
    write_pdf(bench.inbox / "small.pdf", 3)
    _split_of(bench, "small.pdf")  # libraries are loaded by then
    write_pdf(bench.inbox / "huge.pdf", pages)
    before = resident_mb()
    document, seconds = _split_of(bench, "huge.pdf")
    return {
        f"seconds to split {pages} pages": seconds,
        "MiB more in the process that split it": resident_mb() - before,
        "bytes of Redis per page of it": bench.cost_of(document) / pages,
    }


def _split_of(bench: Bench, name: str) -> tuple[str, float]:
    document = bench.take(name)
    began = time.perf_counter()
    split(bench.context, split_step(document, 1))
    took = time.perf_counter() - began
    found = bench.store.listing.document(document)
    assert found is not None
    assert found.state == "processing", found
    return document, took


def _single(bench: Bench, count: int) -> dict[str, float]:
    """Documents of one page: in halves, to show that the second costs what the first does."""
    before, began = bench.used(), time.perf_counter()
    documents = bench.open_all(count // 2)
    half = bench.used()
    documents += bench.open_all(count - count // 2)
    opened, took = bench.used(), time.perf_counter() - began
    bench.split_all(documents, 1)
    return {
        f"bytes per document, {count} wait for their split": (opened - before) / count,
        "the same for the first half": (half - before) / (count // 2),
        "bytes per document, they wait for being read": (bench.used() - before) / count,
        "documents made known per second, many a round trip": count / took,
        "milliseconds of a look for those that are stuck": 1000
        * _seconds(lambda: bench.store.status.stuck(0)),
    }


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _large(bench: Bench, count: int) -> dict[str, float]:
    """Documents of a thousand pages."""
    before = bench.used()
    documents = bench.open_all(count)
    began = time.perf_counter()
    bench.split_all(documents, _LARGE_PAGES)
    took, cost = time.perf_counter() - began, bench.used() - before
    return {
        f"bytes per page, {count} documents of {_LARGE_PAGES} pages wait": cost / count / _LARGE_PAGES,
        "pages put in line per second": count * _LARGE_PAGES / took,
    }


def _ingested(bench: Bench, count: int) -> dict[str, float]:
    """Documents taken in by one process, with their requests written to a directory."""
    write_pdf(bench.inbox / "0.pdf", 1)
    content = (bench.inbox / "0.pdf").read_bytes()
    for number in range(count):
        (bench.inbox / f"{number}.pdf").write_bytes(content)
    began = time.perf_counter()
    for number in range(count):
        bench.take(f"{number}.pdf")
    return {"documents ingested per second by one process": count / (time.perf_counter() - began)}


def write_pdf(path: Path, pages: int) -> None:
    """Write A4 pages of text, deflated as most are, object by object."""
    offsets: list[int] = []
    with path.open("wb") as file:

        def put(number: int, body: str, stream: bytes = b"") -> None:
            offsets.append(file.tell())
            held = b"\nstream\n%b\nendstream" % stream if stream else b""
            file.write(b"%d 0 obj\n%b%b\nendobj\n" % (number, body.encode(), held))

        file.write(b"%PDF-1.4\n")
        put(1, "<< /Type /Catalog /Pages 2 0 R >>")
        kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
        put(2, f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>")
        put(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
        for page in range(pages):
            put(4 + 2 * page, _page(5 + 2 * page))
            lines = "".join(f"(Page {page + 1}, line {line}) Tj T* " for line in range(1, 51))
            text = zlib.compress(f"BT /F1 10 Tf 12 TL 72 780 Td {lines}ET".encode())
            put(5 + 2 * page, f"<< /Length {len(text)} /Filter /FlateDecode >>", text)
        start = file.tell()
        file.write(f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n".encode())
        file.writelines(f"{offset:010} 00000 n \n".encode() for offset in offsets)
        file.write(
            f"trailer\n<< /Size {len(offsets) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
        )


def _page(contents: int) -> str:
    resources = "/Resources << /Font << /F1 3 0 R >> >>"
    return f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} /Contents {contents} 0 R >>"


@contextmanager
def _bench() -> Iterator[Bench]:
    with (
        ending_in_order(),
        tempfile.TemporaryDirectory(prefix="queue-memory-") as name,
        start_valkey(Path(name, "v")) as valkey,
    ):
        bench = Bench(Path(name), valkey.broker_url)
        with closing(bench.store):
            yield bench


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what waiting documents cost; 0 leaves a part out.")
    add = parser.add_argument
    add("--pages", type=int, default=10_000, help="of the one huge PDF")
    add("--single", type=int, default=100_000, help="documents of one page")
    add("--large", type=int, default=1000, help=f"documents of {_LARGE_PAGES} pages")
    add("--ingest", type=int, default=1000, help="documents that are taken in, storage included")
    add("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
