"""A worker that does on certain pages what `FAULTS` says, and otherwise is the real one.

`FAULTS` is JSON: `{"kill": [2], "hang_once": [3], "hang": [5], "fail": [4], "gate": "/dir", "log": "/dir"}`.
A page to kill ends its process each time it is read, one to hang never ends (the first time, or each time),
one to fail raises, one to hoard keeps `hoard_mb` of memory, and one to `hang_write` is never written the
first time. With a gate, each page (from `gate_from` on) leaves the file `page-NUMBER-PID` in the folder when
its reading begins, and waits until there is a file `open`. Every reading leaves `read-NUMBER-UNIQUE` in the
folder `log`. With `on_cpu` it reads on the CPU whatever it says it is. The children of a worker import this
module too.
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
from tasks.pagefiles import PageFiles

_FAULTS = json.loads(os.environ.get("FAULTS", "{}"))
_HOARD: list[bytearray] = []
_make = real.warm_pipeline


class FaultyPipeline:
    """Wraps a pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.pages_at_once: int = pipeline.pages_at_once

    def predict(self, page: Any, **options: Any) -> Iterator[Any]:
        log = Path(_FAULTS["log"])
        first = not list(log.glob(f"read-{page.number}-*"))
        (log / f"read-{page.number}-{uuid.uuid4().hex}").touch()
        if "gate" in _FAULTS and page.number >= _FAULTS.get("gate_from", 1):
            self._wait(page.number, Path(_FAULTS["gate"]))
        if page.number in _FAULTS.get("kill", ()):
            os.kill(os.getpid(), signal.SIGKILL)
        hangs = _FAULTS.get("hang", ()) or (_FAULTS.get("hang_once", ()) if first else ())
        if page.number in hangs:
            threading.Event().wait()
        if page.number in _FAULTS.get("hoard", ()):
            _HOARD.append(bytearray(b"x" * (_FAULTS["hoard_mb"] << 20)))
        if page.number in _FAULTS.get("fail", ()):
            raise ZeroDivisionError("a fault of the test's")
        yield from self._pipeline.predict(page, **options)

    @staticmethod
    def _wait(number: int, gate: Path) -> None:
        (gate / f"page-{number}-{os.getpid()}").touch()
        while not (gate / "open").exists():
            time.sleep(0.005)


def _faulty(*arguments: Any) -> Any:
    chosen, device = arguments
    pipeline, digest = _make(chosen, "cpu" if _FAULTS.get("on_cpu") else device)
    return FaultyPipeline(pipeline), digest


_write = PageFiles.write_page


def _stuck_once(self: PageFiles, number: int, *arguments: Any) -> Any:
    mark = Path(_FAULTS.get("log", "/"), f"stuck-{number}")
    if number in _FAULTS.get("hang_write", ()) and not mark.exists():
        mark.touch()
        threading.Event().wait()
    return _write(self, number, *arguments)


PageFiles.write_page = _stuck_once  # type: ignore[method-assign]  # it is what the tests are about
real.warm_pipeline = _faulty  # type: ignore[assignment]  # it is what the tests are about

if __name__ == "__main__":
    from worker.__main__ import main

    sys.exit(main())
