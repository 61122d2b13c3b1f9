"""What needs real hardware: `python benchmarks/device_check.py gpu:0 --pages DIR` where there is some.

Runs the behaviour suite that the device double passes in CI (`tests/pipelines/test_pages_in_batches.py`) on
the device itself, compares its words with the CPU's, measures pages per second by size of batch, and has its
memory run short. Prints tables for docs/devices.md; exits with 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines import create_pipeline
from pipelines.ocr import OCRPipeline
from pipelines.textlayer.similarity import distance

_SUITE = Path(__file__).parents[1] / "tests" / "pipelines" / "test_pages_in_batches.py"
_BATCHES = (1, 2, 4, 8, 16, 32)
_ALIKE = 0.995  # of the characters; kernels that add in another order turn a doubtful one now and then
_LITTLE_MEMORY = 1 << 30  # bytes for ONNX Runtime's arena: too few for a batch of 32
_VERDICTS = {True: "yes", False: "no", None: "not asked of this engine"}

Page = NDArray[np.uint8]


def main() -> int:
    """Run all checks; 0 when every one is passed."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("device", help="gpu:0, npu:0 ...")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--pages", type=Path, help="a folder of pictures; without it, pages of made-up text")
    parser.add_argument("--count", type=int, default=128, help="pages read for each measurement")
    given = parser.parse_args()
    pages = list(_pages(given.pages, given.count))
    checks = [
        ("behaves as the double", _suite(given.device, given.engine)),
        ("reads what the CPU reads", _words(given.device, given.engine, pages[:16])),
        ("halves its batch when memory is short", _short_of_memory(given.device, given.engine, pages[:64])),
    ]
    _speeds(given.device, given.engine, pages)
    for name, passed in checks:
        print(f"| {name} | {_VERDICTS[passed]} |")
    return int(any(passed is False for _, passed in checks))


def _pages(folder: Path | None, count: int) -> Iterator[Page]:
    found = [] if folder is None else [cv2.imread(str(path)) for path in sorted(folder.iterdir())]
    pictures: Sequence[Page] = [page.astype(np.uint8) for page in found if page is not None] or [_written()]
    for number in range(count):
        yield pictures[number % len(pictures)]


def _written() -> Page:
    """An A4 page at 144 dpi with 40 lines of a stroke font."""
    page = np.full((1684, 1191, 3), 255, np.uint8)
    for line in range(40):
        text = f"Line {line} says {line * 7919 % 9973} and {line * 104729 % 99991} to whoever reads it"
        place = (60, 80 + 40 * line)
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_DUPLEX, 0.8, (20, 20, 20), 1, cv2.LINE_AA)
    return page


def _suite(device: str, engine: str) -> bool:
    environment = {**os.environ, "PAGELINE_TEST_DEVICE": device, "PAGELINE_TEST_ENGINE": engine}
    command = [sys.executable, "-m", "pytest", "-q", str(_SUITE)]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def _words(device: str, engine: str, pages: Sequence[Page]) -> bool:
    readers = [create_pipeline("OCR", device="cpu"), create_pipeline("OCR", device=device, engine=engine)]
    theirs, ours = (
        ["\n".join(result["rec_texts"]) for result in reader.predict(list(pages))] for reader in readers
    )
    apart = sum(distance(one, other) for one, other in zip(theirs, ours, strict=True))
    alike = 1 - apart / max(1, sum(map(len, theirs)))
    print(f"characters alike with the CPU: {alike:.5f}")
    return alike >= _ALIKE


def _short_of_memory(device: str, engine: str, pages: Sequence[Page]) -> bool | None:
    """Whether a batch too large for the memory given is halved and read all the same."""
    plain = create_pipeline("OCR", device=device, engine=engine)
    described = plain.describe()
    if described["provider"] != "CUDAExecutionProvider":  # the only one here whose memory can be bounded
        return None
    settings = {
        "batch": 32,
        "providers": [described["provider"]],
        "provider_options": [{"gpu_mem_limit": str(_LITTLE_MEMORY)}],
    }
    short = create_pipeline("OCR", device=device, engine="onnxruntime", engine_config=settings)
    short.warm_up()
    read = sum(len(result["rec_texts"]) for result in short.predict(list(pages)))
    print(f"with {_LITTLE_MEMORY >> 20} MiB: {short.batching}, {read} lines")
    return short.batching is not None and short.batching.halved > 0 and read > 0


def _speeds(device: str, engine: str, pages: Sequence[Page]) -> None:
    print("\n| pages in one inference | warm-up, s | pages/s |\n|---|---|---|")
    for batch in _BATCHES:
        pipeline = create_pipeline("OCR", device=device, engine=engine, engine_config={"batch": batch})
        warm = pipeline.warm_up().seconds
        print(f"| {batch} | {warm:.1f} | {_pages_per_second(pipeline, pages):.2f} |", flush=True)
    by_itself = create_pipeline("OCR", device=device, engine=engine)
    print(f"| by its memory: {by_itself.pages_at_once // 2 or 1} | | |\n")


def _pages_per_second(pipeline: OCRPipeline, pages: Sequence[Page]) -> float:
    start = time.perf_counter()
    read = sum(1 for _ in pipeline.predict(list(pages)))
    return read / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
