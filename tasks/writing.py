"""Pages are drawn, written and committed in a thread of their own, while the next one is read."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from infra.errors import BrokerUnavailable, StorageError
from infra.status import Activity
from infra.telemetry.meter import METER
from tasks.context import PageResult
from tasks.encoding import encode_pictures
from tasks.rangerun import RangeRun
from tasks.records import PageFields
from tasks.spool import SpooledPage

if TYPE_CHECKING:
    from PIL.Image import Image

_log = logging.getLogger(__name__)
_TOTAL = "total"  # among a page's timings: the stages add up to it
_WAITING = 2  # pages that were read and wait to be written


@dataclass(frozen=True, slots=True)
class Read:
    """A page to be written: its result, or why there is none."""

    number: int
    result: PageResult | None
    failure: str | None = None


class Writer:
    """Writes pages in the order they are put; a context that waits for the last one.

    A page that waits here is charged no attempt: its reading ended nobody's process. Drawing and writing it
    are work on it again, so that a page which cannot be written comes to an end too.

    `error` is the first one that has nothing to do with a page: from then on pages are given back unwritten.
    Those that only the storage kept from being written are put by in the spool.
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
                self._finish(page)
            except Exception as error:  # noqa: BLE001  -- without this thread, whoever puts pages waits for ever
                self.error = self.error or error

    def _finish(self, page: Read) -> None:
        """Write a page, or put it by where the storage takes nothing: then it is given back."""
        run = self._run
        with suppress(BrokerUnavailable):  # as for one that was lost: what was read is written all the same
            run.resume(page.number)
        try:
            pictures = self._pictures(page)
        except Exception as error:  # noqa: BLE001  -- whatever it is, it is this page's
            run.fault(page.number, error)
            return
        if not self._refused and self._written(page, pictures):
            return
        if self._refused:
            self._put_by(page, pictures)
        run.give_back(page.number)

    @property
    def _refused(self) -> bool:
        """Whether the storage takes nothing. Where Redis is away, what was read is written, to be found."""
        return isinstance(self.error, (StorageError, OSError))

    def _pictures(self, page: Read) -> dict[str, bytes]:
        run = self._run
        if page.result is None or not run.visualize:
            return {}
        with run.hold.timed(Activity.DRAWING, run.pages.document, page.number):
            return encode_pictures(self._drawn(page.result), run.request.options)

    @staticmethod
    def _drawn(result: PageResult) -> Mapping[str, Image]:
        # Three times the same page would tell nobody anything.
        return {
            name: picture
            for name, picture in result.img.items()
            if name != "preprocessed_img" or result.was_prepared
        }

    def _written(self, page: Read, pictures: dict[str, bytes]) -> bool:
        run = self._run
        try:
            with run.hold.timed(Activity.WRITING, run.pages.document, page.number):
                fields = self._store(page, pictures)
            run.commit(page.number, fields)
        except BrokerUnavailable:
            raise
        except (StorageError, OSError) as error:
            self.error = error
            return False
        except Exception as error:  # noqa: BLE001  -- as above
            run.fault(page.number, error)
        return True

    def _store(self, page: Read, pictures: dict[str, bytes]) -> PageFields:
        files, mode = self._run.files, self._run.pages.mode
        if page.result is None:
            return files.write_failure(page.number, page.failure or "", cause="input", mode=mode)
        res = page.result.json["res"]
        for stage, seconds in res.get("timings", {}).items():
            if stage != _TOTAL:
                METER.count("stage_seconds_total", stage, METER.kind, by=seconds)
        if self._run.context.settings.log_texts:
            _log.info("%s reads: %s", self._run.name(page.number), " / ".join(res.get("rec_texts", ())))
        return files.write_page(page.number, res, pictures, mode)

    def _put_by(self, page: Read, pictures: dict[str, bytes]) -> None:
        """Keep a page that was read on this host's disk; without room there, it is read again."""
        run = self._run
        if page.result is None:
            return
        kept = SpooledPage(
            folder=run.files.folder.key,
            generation=run.pages.generation,
            number=page.number,
            mode=run.pages.mode,
            res=dict(page.result.json["res"]),
            pictures=pictures,
        )
        try:
            if not run.context.spool.put(kept):
                _log.warning("%s is to be read again: the spool is full", run.name(page.number))
        except OSError as error:
            _log.warning("%s is to be read again: %s", run.name(page.number), error)
