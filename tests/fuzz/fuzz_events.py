"""Feeds the parsers of storage events what nobody would send: `python tests/fuzz/fuzz_events.py [SECONDS]`.

With `atheris` installed, its fuzzer searches by coverage; without it, Hypothesis makes up JSON, and says so.
Anything but events or `InvalidEvent` ends the run with a traceback.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "infra" / "events"))

from test_event_properties import JSON, checked

_SECONDS = 60.0


def by_coverage(seconds: float) -> None:
    """Let atheris search; it ends the process."""
    atheris: Any = importlib.import_module("atheris")
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:.0f}"], lambda data: checked(bytes(data)) and None)
    atheris.Fuzz()


def by_chance(seconds: float) -> int:
    """Let Hypothesis make up values for a while; returns how many."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - not needed beside atheris

    until, count = time.monotonic() + seconds, 0

    @settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(JSON)
    def some(value: Any) -> None:
        nonlocal count
        checked(value)
        count += 1

    while time.monotonic() < until:
        some()
    return count


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    if importlib.util.find_spec("atheris") is not None:
        by_coverage(seconds)
    else:
        sys.stdout.write("atheris is not installed: values are made up by Hypothesis, without coverage\n")
        sys.stdout.write(f"{by_chance(seconds)} values, nothing unexpected\n")


if __name__ == "__main__":
    main()
