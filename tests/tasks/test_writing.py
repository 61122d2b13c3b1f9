from __future__ import annotations

import threading
from collections import Counter
from typing import Any, cast

import pytest
from crew import wait_for
from desk import Desk

from infra.errors import BrokerUnavailable
from infra.status import Status
from infra.status.states import DocumentState
from tasks.queues import PAGES
from tasks.rangerun import RangeRun
from tasks.writing import Read, Writer


class Broken:
    """A run of which nothing works."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"{name} failed")


def test_errors_nobody_expected_do_not_leave_the_reading_thread_waiting() -> None:
    writer = Writer(cast("RangeRun", Broken()))

    def read() -> None:
        with writer:
            for number in range(1, 10):
                writer.put(Read(number, None, "torn"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(30)
    assert not reader.is_alive()
    assert isinstance(writer.error, ValueError)


def test_what_was_read_is_written_though_redis_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        wait_for(lambda: desk.pipeline.reads.total() > 1, "a page behind the first")
        raise BrokerUnavailable("gone")

    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    with monkeypatch.context() as patch:
        patch.setattr(Status, "commit_page", gone)
        desk.step()
    read = set(desk.pipeline.reads)
    assert len(read) > 1
    assert {int(path.stem) for path in desk.path(desk.folder(document).pages).glob("*.json")} == read
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter({1: 1, 2: 1, 3: 1})
