"""Show where the pipeline's time goes, beside what its bare models take on the same inputs.

    python benchmarks/stages.py PAGES [--pipeline NAME] [--engine NAME] [--all]

Each page is read once, with every model call recorded; then the same calls are made again with nothing around
them, page by page in turns. PAGES is a folder of images and PDFs; --all switches on preprocessing and line
orientation, which are off otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import create_pipeline
from pipelines.engines.base import Array, Session
from pipelines.parallel import spread
from pipelines.stages import Stages


class Recorder:
    """A session that remembers what it was given, and how long it took."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.streams = session.streams
        self.batches: list[NDArray[np.float32]] = []
        self.seconds = 0.0

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        """Run, and remember."""
        start = perf_counter()
        outputs = self.session.run(batch)
        self.seconds += perf_counter() - start
        self.batches.append(batch.copy())
        return outputs

    def again(self) -> float:
        """Make the remembered calls once more, as many at once as before; the seconds they took."""
        start = perf_counter()
        spread(self.session.run, self.batches, self.streams)
        self.batches.clear()
        return perf_counter() - start


def main() -> int:
    """Read every page, repeat its model calls, and print the table."""
    options = _arguments()
    switches = dict.fromkeys(
        ("use_doc_orientation_classify", "use_doc_unwarping", "use_textline_orientation"), options.all
    )
    pipeline = create_pipeline(options.pipeline, engine=options.engine, **switches)
    report = pipeline.warm_up()
    recorders = _record(pipeline._lanes.ready()[0].load())  # noqa: SLF001  -- a benchmark looks inside
    stages: dict[str, float] = defaultdict(float)
    bare: dict[str, float] = defaultdict(float)
    pages = 0
    # The first pass over the documents prepares kernels for shapes that warming up did not meet.
    for counted in (False, True):
        for result in pipeline.predict(str(options.pages)):
            again = {name: recorder.again() for name, recorder in recorders.items()}
            if counted:
                pages += 1
                for name, seconds in result.timings.items():
                    stages[name] += seconds
                for name, seconds in again.items():
                    bare[name] += seconds
            else:
                for recorder in recorders.values():
                    recorder.seconds = 0.0
    print(f"{pages} pages, {report.engine} {report.precision}")
    _print(stages, bare, recorders)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, help="a folder of images and PDFs")
    parser.add_argument("--pipeline", default="OCR")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--all", action="store_true", help="preprocessing and line orientation too")
    return parser.parse_args()


def _record(stages: Stages) -> dict[str, Recorder]:
    holders: dict[str, Any] = {"detection": stages.detector, "recognition": stages.recognizer}
    if stages.line_orienter is not None:
        holders["line_orientation"] = stages.line_orienter._classifier  # noqa: SLF001  -- as above
    recorders = {}
    for name, holder in holders.items():
        recorders[name] = holder._session = Recorder(holder._session)  # noqa: SLF001  -- as above
    return recorders


def _print(stages: dict[str, float], bare: dict[str, float], recorders: dict[str, Recorder]) -> None:
    print(f"\n{'stage':18}{'seconds':>10}{'in calls':>11}{'bare models':>13}{'ratio':>8}")
    total = stages.pop("total")
    for name, seconds in stages.items():
        if name in recorders:
            inside = f"{recorders[name].seconds:.2f}"
            print(f"{name:18}{seconds:10.2f}{inside:>11}{bare[name]:13.2f}{seconds / bare[name]:8.2f}")
        else:
            print(f"{name:18}{seconds:10.2f}")
    models = sum(bare.values())
    print(f"{'total':18}{total:10.2f}{'':>11}{models:13.2f}{total / models:8.2f}")


if __name__ == "__main__":
    sys.exit(main())
