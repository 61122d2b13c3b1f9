"""A worker whose storage fails as `CHAOS` says, and which leaves a trace of every page in its hands.

`CHAOS` is JSON: `{"folder": "/dir", "failures": 0.1, "page_seconds": 0.05, "poison": ""}`. Of all calls to
the storage that share fails: half of them before anything is done, half after it was done, as when an answer
is lost. While there is a file `storage-gone` in the folder all of them fail. Each process writes what its
pages go through to `trace-PID.jsonl` there, a line an event. The second page of a document of the name
`poison` kills whoever reads it. The children of a worker import this module too.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import worker.warm as warming
from infra.errors import StorageUnavailable
from infra.status.status import Status
from infra.storage import open_storage
from tasks import context
from tasks.rangerun import RangeRun

sys.path.append(str(Path(__file__).parent))  # workers do without the folder of their program
from chaos_storage import FailingStorage

_CHAOS = json.loads(os.environ["CHAOS"])
_FOLDER = Path(_CHAOS["folder"])
_POISONOUS = 2
_TRACED = ("begin", "park", "resume", "give_back", "fault")
_make_pipeline = warming.warm_pipeline


def _refuse(_method: str) -> None:
    """Fail, perhaps; asked twice a call."""
    if Path(_FOLDER, "storage-gone").exists():
        raise StorageUnavailable("the storage is gone for a while")
    if random.random() < _CHAOS["failures"] / 2:  # noqa: S311  -- chance, not secrets
        raise StorageUnavailable("the storage has failed")


class SlowPipeline:
    """Wraps a pipeline: each page takes some time more, without loading the machine."""

    pages_at_once = 1

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def predict(self, page: Any, **options: Any) -> Iterator[Any]:
        """Read a page."""
        time.sleep(_CHAOS["page_seconds"])
        if page.number == _POISONOUS and _CHAOS["poison"] and page.input_path.endswith(_CHAOS["poison"]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield from self._pipeline.predict(page, **options)


def _slow(*arguments: Any) -> Any:
    pipeline, digest = _make_pipeline(*arguments)
    return SlowPipeline(pipeline), digest


def _trace(document: str, page: int, event: str) -> None:
    """Add a line; one write, so that a death leaves it whole or not at all."""
    line = json.dumps({"document": document, "page": page, "event": event, "at": time.time()})
    with Path(_FOLDER, f"trace-{os.getpid()}.jsonl").open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def _traced(name: str) -> None:
    """Have a step of a page in hand leave its trace before it is taken."""
    step = getattr(RangeRun, name)

    @wraps(step)
    def taken(self: RangeRun, number: int, *arguments: Any, **options: Any) -> Any:
        # A page that was read waits uncharged, and is taken up again by the thread that writes it.
        writing = name == "resume" and threading.current_thread().name == "write"
        _trace(self.pages.document, number, "write" if writing else name)
        return step(self, number, *arguments, **options)

    setattr(RangeRun, name, taken)


def _trace_commits() -> None:
    commit = Status.commit_page

    @wraps(commit)
    def committed(self: Status, document: str, generation: int, page: int, *arguments: Any) -> Any:
        outcome = commit(self, document, generation, page, *arguments)
        # A page that is found written is settled by the thread that has the range, without being read.
        step = "commit" if threading.current_thread().name == "write" else "settle"
        _trace(document, page, f"{step}:{outcome}")
        return outcome

    setattr(Status, "commit_page", committed)  # noqa: B010  -- a method is not assigned to otherwise


def _open(*arguments: Any) -> Any:
    return FailingStorage(open_storage(*arguments), _refuse)


def _disturb() -> None:
    setattr(context, "open_storage", _open)  # noqa: B010  -- it does not export what it imports
    warming.warm_pipeline = _slow  # type: ignore[assignment]  # what is disturbed keeps its signature
    for name in _TRACED:
        _traced(name)
    _trace_commits()


_disturb()

if __name__ == "__main__":
    from worker.__main__ import main

    sys.exit(main())
