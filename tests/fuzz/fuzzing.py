"""How the fuzzers of this folder search: by coverage with atheris, else by chance with Hypothesis."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

_SECONDS = 60.0


def fuzz(by_bytes: Callable[[bytes], Any], by_value: Callable[[Any], Any], values: Any) -> None:
    """Search for as many seconds as the command line says.

    Args:
        by_bytes: what atheris gives its bytes to.
        by_value: what is given Hypothesis' values.
        values: the strategy that makes those.
    """
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    if importlib.util.find_spec("atheris") is not None:
        _by_coverage(by_bytes, seconds)
    else:
        sys.stdout.write("atheris is not installed: values are made up by Hypothesis, without coverage\n")
        sys.stdout.write(f"{_by_chance(by_value, values, seconds)} values, nothing unexpected\n")


def _by_coverage(target: Callable[[bytes], Any], seconds: float) -> None:
    """Let atheris search; it ends the process."""
    atheris: Any = importlib.import_module("atheris")
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:.0f}"], lambda data: target(bytes(data)) and None)
    atheris.Fuzz()


def _by_chance(target: Callable[[Any], Any], values: Any, seconds: float) -> int:
    """Let Hypothesis make up values for a while; returns how many."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - not needed beside atheris

    until, count = time.monotonic() + seconds, 0

    @settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values)
    def some(value: Any) -> None:
        nonlocal count
        target(value)
        count += 1

    while time.monotonic() < until:
        some()
    return count
