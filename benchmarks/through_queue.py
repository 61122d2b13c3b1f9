"""Documents through the queue beside the pipeline alone, on the same pages and the same threads.

    python benchmarks/through_queue.py DOCUMENT.pdf [--pages N] [--page IMAGE] [--runs N]

Throughput: the first N pages of DOCUMENT, page by page in this process (JSON and JPEG pictures written to a
folder), then as one document through a queue with one warm worker, from the announcement to the manifest.
Latency: copies of the one-page IMAGE, each announced when the one before has ended. `text_layer` is `ignore`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pypdfium2 as pdfium

from infra.storage import Location
from pipelines import create_pipeline
from pipelines.ocr import OCRPipeline
from tasks.records import DocumentRef
from worker.stack.local import LocalStack
from worker.stack.plan import Plan
from worker.stack.submission import Submission

_EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "receipt.jpg"
_POLL_SECONDS = 0.1  # asking more often would take time from the worker


def main() -> int:
    """Measure both, and print."""
    options = _arguments()
    plan = Plan(workers=1)
    with tempfile.TemporaryDirectory(prefix="pageline-bench-") as name:
        folder = Path(name)
        document = _first_pages(options.document, options.pages, folder / "in")
        copies = [shutil.copy(options.page, folder / "in" / f"{n}.jpg") for n in range(options.runs)]
        pipeline = create_pipeline(**plan.creation)
        pipeline.warm_up()
        alone = _alone(pipeline, document, folder / "alone")
        page_alone = [_alone(pipeline, Path(copy), folder / "alone") for copy in copies]
        del pipeline
        with _stack(folder, plan) as stack:
            queued = _queued(stack, folder / "out", document)
            page_queued = [_queued(stack, folder / "out", Path(copy)) for copy in copies]
    print(f"{'pages':>8}{'alone s':>10}{'queue s':>10}{'share of the pipeline':>24}")
    print(f"{options.pages:8}{alone:10.2f}{queued:10.2f}{alone / queued:24.2f}")
    extra = median(page_queued) - median(page_alone)
    print(
        f"one page, median of {options.runs}: alone {median(page_alone):.3f} s, queue +{1000 * extra:.0f} ms"
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("document", type=Path)
    parser.add_argument("--pages", type=int, default=117, help="of the document")
    parser.add_argument("--page", type=Path, default=_EXAMPLE, help="a picture of one page")
    parser.add_argument("--runs", type=int, default=50, help="of the one page")
    return parser.parse_args()


def _first_pages(document: Path, count: int, folder: Path) -> Path:
    folder.mkdir()
    whole, part = pdfium.PdfDocument(document), pdfium.PdfDocument.new()
    part.import_pages(whole, range(min(count, len(whole))))
    part.save(folder / "document.pdf")
    return folder / "document.pdf"


def _alone(pipeline: OCRPipeline, document: Path, out: Path) -> float:
    start = time.perf_counter()
    out.mkdir(exist_ok=True)
    for result in pipeline.predict(str(document)):
        number = result["page"]["number"]
        (out / f"{number:05d}.json").write_text(json.dumps(result.json["res"]), encoding="utf-8")
        result.img["ocr_res_img"].save(out / f"{number:05d}.jpg")
    return time.perf_counter() - start


@contextmanager
def _stack(folder: Path, plan: Plan) -> Iterator[LocalStack]:
    values = {"results": str(folder / "out"), "sources": [], "defaults": {"text_layer": "ignore"}}
    with LocalStack(folder / "stack", plan, values) as stack:
        while stack.readers_ready() < plan.workers:
            stack.tend()
            time.sleep(_POLL_SECONDS)
        yield stack


def _queued(stack: LocalStack, results: Path, document: Path) -> float:
    """Seconds until its manifest lay there: asked of the file, so that nobody has to look all the time."""
    start = time.time()
    with Submission(stack.settings, stack.store) as submission:
        submission.announce(
            [DocumentRef(source=Location("file", str(document.parent)).uri, key=document.name)]
        )
        while True:
            (status,) = submission.poll().values()
            if status is not None and status.terminal:
                break
            time.sleep(_POLL_SECONDS)
    if status.state != "succeeded":
        raise SystemExit(f"{document.name} is {status.state}: {status.reason}")
    (manifest,) = results.rglob(f"{document.name}/*/document.json")
    return manifest.stat().st_mtime - start


if __name__ == "__main__":
    sys.exit(main())
