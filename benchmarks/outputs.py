"""What readable documents cost: time a page, and memory over a long document.

    python benchmarks/outputs.py [--pages N] [--formats md,hocr,...] [FOLDER]

FOLDER holds the JSON of real pages (`pages/*.json` of a document, or what `save_to_json` wrote); without it,
the pages of `examples/letter.pdf` are read. They are taken round and round until there are N. Each format is
written in a process of its own. "Writing" is what the writer takes of a processor; reading and parsing the
JSON is "loading", and done once for all formats of a document. Memory is the process's peak over what
it held before the first page (`VmHWM`, reset) and the whole of it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.write import WRITERS, DocumentInfo, Page

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What one format took: milliseconds a page, MB."""

    name: str
    loading: float
    writing: float
    size: float
    grown: float
    peak: float


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", nargs="?", type=Path, help="a folder of pages' JSON")
    arguments.add_argument("--pages", type=int, default=1000)
    texts = [name for name, each in WRITERS.items() if not each.wants_source]
    arguments.add_argument("--formats", default=",".join(texts))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or read_example(Path(scratch))
        files = sorted(folder.glob("*.json"))
        if not files:
            raise SystemExit(f"there are no pages in {folder}")
        lines = [len(json.loads(file.read_bytes())["rec_texts"]) for file in files]
        print(f"{given.pages} pages, from {len(files)} with {sum(lines) / len(lines):.0f} lines each\n")
        print("| format | writing, ms a page | loading, ms a page | kB a page | grown, MB | peak, MB |")
        print("|---|---|---|---|---|---|")
        for name in given.formats.split(","):
            cost = measured(name, files, given.pages, Path(scratch))
            print(
                f"| {name} | {cost.writing:.2f} | {cost.loading:.2f} | {cost.size:.1f} "
                f"| {cost.grown:.0f} | {cost.peak:.0f} |",
                flush=True,
            )


def read_example(scratch: Path) -> Path:
    """The pages of the example letter, read with places of characters."""
    from pipelines import create_pipeline  # noqa: PLC0415  -- only without pages of one's own

    folder = scratch / "read"
    folder.mkdir()
    results = create_pipeline("OCR").predict(str(ROOT / "examples/letter.pdf"), return_word_box=True)
    for number, result in enumerate(results, start=1):
        (folder / f"{number:05d}.json").write_text(json.dumps(result.json["res"]))
    return folder


def measured(name: str, files: list[Path], pages: int, scratch: Path) -> Cost:
    """The cost of one format, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return Cost(**pool.apply(write, (name, files, pages, scratch)))


def write(name: str, files: list[Path], pages: int, scratch: Path) -> dict[str, Any]:
    """Write a document of so many pages; the cost."""
    target = scratch / WRITERS[name].file
    writer = WRITERS[name].open(target, DocumentInfo("benchmark.pdf", pages))
    writer.page(Page(1, json.loads(files[0].read_bytes())))  # what is imported or cached at the first page
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    loading = writing = 0.0
    for number, file in enumerate(islice(cycle(files), pages), start=2):
        start = time.process_time()
        content = json.loads(file.read_bytes())
        loaded = time.process_time()
        writer.page(Page(number, content))
        loading += loaded - start
        writing += time.process_time() - loaded
    start = time.process_time()
    writer.close()
    writing += time.process_time() - start
    peak = memory("VmHWM")
    return {
        "name": name,
        "loading": 1000 * loading / pages,
        "writing": 1000 * writing / pages,
        "size": target.stat().st_size / 1000 / pages,
        "grown": peak - before,
        "peak": peak,
    }


def memory(field: str) -> float:
    """A figure of this process's memory, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1000
    raise SystemExit("memory can be told on Linux only")


if __name__ == "__main__":
    main()
