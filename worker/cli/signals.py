"""Ending in order: Ctrl-C, SIGTERM and a closed terminal unwind the program instead of cutting it off."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from worker.cli.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(SystemExit):
    """The process was asked to end; raised in the main thread so that every context is left."""

    def __init__(self) -> None:
        super().__init__(int(ExitCode.TERMINATED))


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `Terminated`, SIGINT into `KeyboardInterrupt`. The main thread only.

    From the first of them on, further ones are ignored while the contexts inside are left: tearing down takes
    seconds, and impatience must not leave processes behind. What the caller ignores (`nohup`, a job in the
    background of a script) stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heeded = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for each in heeded:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    for number in heeded:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
