"""How a command ends: its exit codes, and one sentence in place of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar

DEBUG_VARIABLE = "PAGELINE_DEBUG"


class ExitCode(IntEnum):
    """What the process's exit code says."""

    OK = 0
    ERROR = 1  # the command could not do its work; the sentence says why
    USAGE = 2  # the command line itself is wrong
    INCOMPLETE = 3  # the work is done, but some pages or documents failed or were rejected
    INTERRUPTED = 130  # Ctrl-C, as shells count it
    TERMINATED = 143  # SIGTERM, likewise


class CommandError(Exception):
    """A command cannot go on; `str(error)` is the sentence for the person at the terminal."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR


class UsageError(CommandError):
    """What was asked for makes no sense as asked."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


def debugging() -> bool:
    """Whether tracebacks are wanted (`--debug`, or `PAGELINE_DEBUG` set to anything but 0 or nothing)."""
    return os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}


def complain(sentence: str) -> None:
    """Print one error sentence on stderr; line breaks inside it (a foreign message's) are folded."""
    print(f"pageline: {' '.join(sentence.split())}", file=sys.stderr)  # noqa: T201  -- a command line speaks


@contextmanager
def reported() -> Iterator[None]:
    """Turn whatever escapes a command into one sentence on stderr and an exit code.

    Raises:
        SystemExit: with an `ExitCode`, in place of every `Exception` and of `KeyboardInterrupt`.
    """
    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted")
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        if debugging():
            raise
        complain(_sentence(error))
        raise SystemExit(int(getattr(error, "exit_code", ExitCode.ERROR))) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, _expected()):
        return str(error)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"this should not have happened: {what} ({DEBUG_VARIABLE}=1 shows where)"


def _expected() -> tuple[type[Exception], ...]:
    """The roots of the errors that are raised on purpose, whose `str()` is a public sentence."""
    from infra.errors import InfraError  # noqa: PLC0415  -- needed only when something has gone wrong
    from pipelines.errors import PipelineError  # noqa: PLC0415  -- as above

    return CommandError, PipelineError, InfraError
