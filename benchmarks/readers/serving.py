"""The loop every reader runs: paths in on standard input, one JSON line a page out on standard output.

Nothing but the standard library, since it runs in each system's own environment.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Reading = tuple[Sequence[str], Sequence[Any]]
"""The texts of a page and, for each, its four corners in the page's pixels."""


def serve(load: Callable[[], Callable[[str], Reading]]) -> None:
    """Load, read a page for every line of input, and tell the peak memory at the end.

    Args:
        load: makes the system ready and returns what reads the file at a path.
    """
    # Libraries print what they like; the answers go where nothing else is written.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    started = time.perf_counter()
    read = load()
    _answer(answers, {"loaded": time.perf_counter() - started})
    for line in sys.stdin:
        started = time.perf_counter()
        texts, polys = read(line.rstrip("\n"))
        seconds = time.perf_counter() - started
        _answer(answers, {"seconds": seconds, "rec_texts": list(texts), "rec_polys": _plain(polys)})
    _answer(answers, {"peak_mb": _peak_mb()})


def options() -> dict[str, Any]:
    """The reader's options, JSON in its first argument."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def _answer(answers: Any, body: dict[str, Any]) -> None:
    answers.write(json.dumps(body) + "\n")
    answers.flush()


def _plain(polys: Sequence[Any]) -> list[Any]:
    return [[[float(x), float(y)] for x, y in poly] for poly in polys]


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
