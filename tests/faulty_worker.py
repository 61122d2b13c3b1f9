"""A worker that does on certain pages what `FAULTS` says, and otherwise is the real one.

`FAULTS` is JSON: `{"kill": [2], "hang_once": [3], "fail": [4], "gate": "/dir", "log": "/dir"}`. A page to
kill ends its process each time it is read, one to hang never ends the first time, one to fail raises. With a
gate, each page (from `gate_from` on) leaves the file `page-NUMBER-PID` in the folder when its reading begins,
and waits until there is a file `open`. Every reading leaves `read-NUMBER-UNIQUE` in the folder `log`. The
children of a worker import this module too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import worker.warm as real

_FAULTS = json.loads(os.environ.get("FAULTS", "{}"))
_make = real.warm_pipeline


class FaultyPipeline:
    """Wraps a pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def predict(self, page: Any, **options: Any) -> Iterator[Any]:
        log = Path(_FAULTS["log"])
        first = not list(log.glob(f"read-{page.number}-*"))
        (log / f"read-{page.number}-{uuid.uuid4().hex}").touch()
        if "gate" in _FAULTS and page.number >= _FAULTS.get("gate_from", 1):
            self._wait(page.number, Path(_FAULTS["gate"]))
        if page.number in _FAULTS.get("kill", ()):
            os.kill(os.getpid(), signal.SIGKILL)
        if first and page.number in _FAULTS.get("hang_once", ()):
            threading.Event().wait()
        if page.number in _FAULTS.get("fail", ()):
            raise ZeroDivisionError("a fault of the test's")
        yield from self._pipeline.predict(page, **options)

    @staticmethod
    def _wait(number: int, gate: Path) -> None:
        (gate / f"page-{number}-{os.getpid()}").touch()
        while not (gate / "open").exists():
            time.sleep(0.005)


def _faulty(*arguments: Any) -> Any:
    pipeline, digest = _make(*arguments)
    return FaultyPipeline(pipeline), digest


real.warm_pipeline = _faulty  # type: ignore[assignment]  # it is what the tests are about

if __name__ == "__main__":
    from worker.__main__ import main

    sys.exit(main())
