"""Pages are drawn, written and committed in a thread of their own, while the next one is read."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from infra.errors import BrokerUnavailable, StorageError
from tasks.context import PageResult
from tasks.pagefiles import encode_pictures, write_failure, write_page
from tasks.rangerun import RangeRun
from tasks.records import PageFields

_WAITING = 2  # pages that were read and wait to be written


@dataclass(frozen=True, slots=True)
class Read:
    """A page to be written: its result, or why there is none."""

    number: int
    result: PageResult | None
    failure: str | None = None


class Writer:
    """Writes pages in the order they are put; a context that waits for the last one.

    `error` is the first one that has nothing to do with a page: from then on pages are given back unwritten.
    """

    def __init__(self, run: RangeRun) -> None:
        self.error: Exception | None = None
        self._run = run
        self._waiting: queue.Queue[Read | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._work, name="write", daemon=True)

    def put(self, page: Read) -> None:
        """Have a page written; waits while too many wait already."""
        self._waiting.put(page)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (page := self._waiting.get()) is not None:
            try:
                if self.error is None:
                    self._write(page)
                else:
                    self._run.give_back(page.number)
            except Exception as error:  # noqa: BLE001  -- without this thread, whoever puts pages waits for ever
                self.error = self.error or error

    def _write(self, page: Read) -> None:
        run = self._run
        try:
            run.commit(page.number, self._store(page))
        except BrokerUnavailable:
            raise
        except (StorageError, OSError) as error:
            self.error = error
            run.give_back(page.number)
        except Exception as error:  # noqa: BLE001  -- whatever it is, it is this page's
            run.fault(page.number, error)

    def _store(self, page: Read) -> PageFields:
        run = self._run
        context, folder, mode = run.context, run.folder, run.pages.mode
        if page.result is None:
            return write_failure(context, folder, page.number, page.failure or "", cause="input", mode=mode)
        with run.hold.timed(run.name(page.number)):
            pictures = encode_pictures(page.result.img) if run.visualize else {}
        return write_page(context, folder, page.number, page.result.json["res"], pictures, mode)
