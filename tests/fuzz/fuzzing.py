"""How the fuzzers of this folder search: by coverage with atheris, else by chance with Hypothesis."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hypothesis import HealthCheck, given, settings

_SECONDS = 60.0
_ATHERIS = importlib.util.find_spec("atheris") is not None


def instrumented(*packages: str) -> AbstractContextManager[Any]:
    """Have what is imported of these packages inside tell atheris, if it is there, which way it went."""
    if not _ATHERIS:
        return nullcontext()
    atheris: Any = importlib.import_module("atheris")
    found: AbstractContextManager[Any] = atheris.instrument_imports(include=list(packages))
    return found


def fuzz(by_bytes: Callable[[bytes], Any], by_value: Callable[[Any], Any], values: Any) -> None:
    """Search for as many seconds as the command line says.

    Args:
        by_bytes: what bytes are given to.
        by_value: what values are given to.
        values: the strategy that makes those, out of bytes too.
    """
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    if _ATHERIS:
        _by_coverage(by_bytes, by_value, values, seconds)
    else:
        sys.stdout.write("atheris is not installed: values are made up by Hypothesis, without coverage\n")
        sys.stdout.write(f"{_by_chance(by_value, values, seconds)} values, nothing unexpected\n")


def _by_coverage(
    by_bytes: Callable[[bytes], Any], by_value: Callable[[Any], Any], values: Any, seconds: float
) -> None:
    """Let atheris search, half of it among bytes as they are; it ends the process."""
    atheris: Any = importlib.import_module("atheris")
    made_up = _of_values(by_value, values).hypothesis.fuzz_one_input

    def target(data: bytes) -> None:
        (by_bytes if data[:1] < b"\x80" else made_up)(bytes(data[1:]))

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:.0f}"], target)
    atheris.Fuzz()


def _by_chance(by_value: Callable[[Any], Any], values: Any, seconds: float) -> int:
    """Let Hypothesis make up values for a while; returns how many."""
    until, count = time.monotonic() + seconds, 0

    def counted(value: Any) -> None:
        nonlocal count
        by_value(value)
        count += 1

    some = _of_values(counted, values)
    while time.monotonic() < until:
        some()
    return count


def _of_values(by_value: Callable[[Any], Any], values: Any) -> Any:
    """A property of Hypothesis' over values that it makes up."""

    @settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values)
    def some(value: Any) -> None:
        by_value(value)

    return some
