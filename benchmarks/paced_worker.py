"""A worker for benchmarks: each page takes `PACE` seconds, and leaves a line in `PACE_LOG` when it begins.

The children of a worker import this module too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import worker.warm as warming

_SECONDS = float(os.environ.get("PACE", "0"))
_LOG = os.environ.get("PACE_LOG", os.devnull)
_make_pipeline = warming.warm_pipeline


class PacedPipeline:
    """Wraps a pipeline: reading takes its time, without loading the machine."""

    pages_at_once = 1

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def predict(self, page: Any, **options: Any) -> Iterator[Any]:
        """Read a page."""
        with open(_LOG, "a", encoding="utf-8") as log:  # noqa: PTH123  -- one short write, appended whole
            log.write(f"{time.time()} {page.number} {page.input_path}\n")
        time.sleep(_SECONDS)
        yield from self._pipeline.predict(page, **options)


def _paced(*arguments: Any) -> Any:
    pipeline, digest = _make_pipeline(*arguments)
    return PacedPipeline(pipeline), digest


warming.warm_pipeline = _paced

if __name__ == "__main__":
    from worker.__main__ import main

    sys.exit(main())
