"""Signal handlers of the program, kept from packages that put in their own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Put the program's handlers of SIGTERM and SIGINT back at the end, where this is the main thread."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                # None: a handler that is not Python's, and cannot be put back from here.
                if handler is not None:
                    signal.signal(number, handler)
