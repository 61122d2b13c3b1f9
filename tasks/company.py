"""Ranges of other documents, read beside the one whose message was delivered.

A device that takes pages in batches would be half empty with a range at a time: documents of one page are the
commonest. So while a range is read, more are taken from the same queues, as long as the pages in hand are
fewer than the device takes. Each has its own leases, attempts and end, as if it had come by itself; only the
process is shared. What was taken by one that dies is found by its leases, or sent again by the reconciler.

A range that is to be read alone is: it waits until the others are over, and has no company.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

from infra.errors import BrokerUnavailable
from infra.status.states import Mode
from tasks.context import Context

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.05  # until the queues are looked at again when they were empty
_TURN_SECONDS = 30.0  # then the process lets its supervisor look at it

Read = Callable[..., None]  # takes the arguments of the task that reads pages


def in_company(context: Context, read: Read, arguments: Sequence[Any]) -> None:
    """Read a range, on a device that takes many pages at once with others beside it."""
    most = 1 if context.pipeline is None else 2 * context.pipeline.pages_at_once
    if context.take is None or most <= 2 or _mode(arguments) is not Mode.NORMAL:  # noqa: PLR2004  -- one by one
        read(*arguments)
        return
    with Company(context, context.take, read, most - _pages(arguments)) as company:
        read(*arguments)
    if company.alone is not None:
        read(*company.alone)


class Company:
    """Takes and reads further ranges while the context is open, and after that until its turn is over.

    Attributes:
        alone: A range that it took and that is to be read without company, when all others are over.
    """

    def __init__(
        self, context: Context, take: Callable[[], list[Any] | None], read: Read, most_pages: int
    ) -> None:
        """Make one that has at most about `most_pages` in hand."""
        self.alone: list[Any] | None = None
        self._context = context
        self._take = take
        self._read = read
        self._most = most_pages
        self._until = time.monotonic() + _TURN_SECONDS
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work, name="company", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def _work(self) -> None:
        held: dict[Future[None], int] = {}
        with ThreadPoolExecutor(max(1, self._most), thread_name_prefix="range") as pool:
            while held or not self._left.is_set():
                found = self._taken(sum(held.values()))
                if found is not None:
                    held[pool.submit(self._read, *found)] = _pages(found)
                elif held:
                    for over in wait(held, _LOOK_SECONDS, FIRST_COMPLETED).done:
                        self._settle(over)
                        del held[over]
                else:
                    self._left.wait(_LOOK_SECONDS)

    def _taken(self, pages: int) -> list[Any] | None:
        """Another range to be read now; None where there is none, or no room, or it is time to end."""
        stop = self._context.draining() or self._context.memory.exceeded or time.monotonic() > self._until
        if stop or self.alone is not None or pages >= self._most:
            return None
        found = self._take()
        if found is not None and _mode(found) is not Mode.NORMAL:
            self.alone, found = found, None
        return found

    @staticmethod
    def _settle(over: Future[None]) -> None:
        error = over.exception()
        if error is not None:  # Redis is gone: it is sent again when that is back
            told = None if isinstance(error, BrokerUnavailable) else error
            _log.warning("a range that was taken is not read: %s", error, exc_info=told)


def _mode(arguments: Sequence[Any]) -> Mode:
    return Mode(arguments[4])


def _pages(arguments: Sequence[Any]) -> int:
    _, _, first, last, *_ = arguments
    return int(last) - int(first) + 1
