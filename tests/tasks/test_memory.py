"""A process that holds too much is replaced between pages, and the page is known by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from crew import site, wait_for, write_pdf
from desk import Desk

from infra.errors import SettingsError
from infra.status.states import DocumentState
from tasks.memory import Memory, resident_mb
from tasks.queues import PAGES
from worker.stack.valkey import ValkeyHandle

HUGE_MB = 400  # what the test's page takes and keeps


def test_what_the_process_holds_is_measured() -> None:
    before = resident_mb()
    block = bytearray(64 << 20)
    assert resident_mb() - before == pytest.approx(64, abs=16)
    assert len(block) > before > 0


def test_without_a_limit_nothing_is_too_much() -> None:
    memory = Memory(0, measure=lambda: 1e9)
    memory.check_warm()
    assert not memory.after("page 1")


def test_the_page_that_was_one_too_many_is_named_once() -> None:
    told: list[str] = []
    held = iter([80.0, 90.0, 110.0])
    memory = Memory(100, measure=lambda: next(held, 70.0), tell=told.append)
    memory.check_warm()
    assert not memory.after("page 1 of document a")
    assert memory.after("page 2 of document a")
    assert memory.after("page 3 of document a")
    assert told == ["after page 2 of document a the process held 110 MiB, more than 100"]
    assert memory.kilobytes() > 100 * 1024  # also when it has given back meanwhile


def test_a_limit_that_leaves_nothing_for_pages_is_refused() -> None:
    with pytest.raises(SettingsError, match="CHILD_MEMORY_MB is 100, but a process holds 200 MiB"):
        Memory(100, measure=lambda: 200.0).check_warm()


def test_pages_not_begun_go_back_uncharged(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.context.memory = Memory(1, measure=lambda: 2.0)
    desk.step()
    assert desk.document(document).done == 1
    assert [message[1][2:4] for message in desk.messages] == [[2, 3]]
    desk.context.memory = Memory()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert set(desk.pipeline.reads.values()) == {1}


def test_a_worker_replaces_its_process_and_says_for_which_page(tmp_path: Path, valkey: ValkeyHandle) -> None:
    log = tmp_path / "log"
    log.mkdir()
    queue = {"child_memory_mb": 300, "range_pages": 8}
    with site(tmp_path, valkey.broker_url, "memory:", queue=queue) as made:
        made.start("control")
        made.start("cpu", log=str(log), hoard=[3], hoard_mb=HUGE_MB)
        made.ready(control=1, cpu=1)
        first = made.child_pid()
        write_pdf(made.inbox / "a.pdf", 8)
        made.announce("a.pdf")
        (document,) = made.ended()
        assert (document.state, document.done) == (DocumentState.SUCCEEDED, 8)
        assert made.child_pid() != first

        def replaced() -> str | None:
            return next((b.replaced for b in made.store.fleet.workers() if b.device == "cpu"), None)

        assert f"after page 3 of document {document.id} " in wait_for(replaced, "the reason")
        assert len(list(log.glob("read-*"))) == 8  # nothing twice, so nobody was charged
        assert "more than 300" in made.logs()
