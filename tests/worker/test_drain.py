"""Workers that work until nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from crew import Site, site, wait_for, write_pdf
from desk import Desk, desk_at

from infra.settings import load_settings
from infra.status import Heartbeat
from tasks.queues import PAGES
from worker.drain import Drain, nothing_left
from worker.plan import WorkerPlan
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle) -> Any:
    with desk_at(tmp_path, valkey.broker_url) as made:
        yield made


def left(desk: Desk) -> set[str]:
    return {kind for kind in ("control", "cpu", "gpu") if not nothing_left(desk.store, kind)}


def test_a_document_is_left_for_those_who_may_read_it(desk: Desk) -> None:
    assert left(desk) == set()
    desk.pdf(pages=30)
    desk.ingest()
    desk.work(until=PAGES)
    assert left(desk) == {"control", "cpu", "gpu"}  # most of it may go to any kind
    desk.worker("cpu")
    desk.work()
    assert left(desk) == set()


def test_a_wish_is_left_for_its_kind(desk: Desk) -> None:
    desk.pdf()
    desk.ingest(options={"device": "gpu"})
    desk.work(until=PAGES)
    assert left(desk) == {"control", "gpu"}


def test_what_another_kind_that_lives_has_waiting_is_left_for_that(desk: Desk) -> None:
    desk.worker("gpu")
    desk.pdf(pages=3)
    desk.ingest()
    desk.work(until=PAGES)
    assert left(desk) == {"control", "gpu"}
    desk.store.fleet.leave("gpu-worker")
    assert left(desk) == {"control", "gpu", "cpu"}  # it is moved once somebody is there


def test_what_is_to_be_opened_is_waited_for_while_somebody_opens(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    assert left(desk) == {"control"}
    desk.worker("control")
    assert left(desk) == {"control", "cpu", "gpu"}


class Scripted:
    """A fleet of which one worker is heard, in one state after the other."""

    def __init__(self, name: str, *states: str) -> None:
        self._beat = {"name": name, "host": "h", "pid": 1, "device": "cpu", "kind": "cpu", "started": 0.0}
        self._states = list(states)
        self.fleet = self
        self.looks = 0

    def workers(self) -> list[Heartbeat]:
        self.looks += 1
        state = self._states[min(self.looks, len(self._states)) - 1]
        return [Heartbeat.model_validate({**self._beat, "state": state})]


def test_it_ends_after_two_looks_in_a_row_that_find_it_idle_and_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.drain.nothing_left", lambda store, kind: True)
    settings = load_settings({"results": str(tmp_path / "o"), "work_dir": tmp_path / "w"})
    plan = WorkerPlan.make(settings, "cpu")
    store: Any = Scripted(plan.name, "warming", "warming", "idle", "busy", "busy", "idle", "idle", "idle")
    ended: list[int] = []
    with Drain(store, plan, 0.001, end=lambda: ended.append(store.looks)).watching():
        wait_for(lambda: ended, "the end")
    assert ended == [7]


@pytest.fixture
def place(tmp_path: Path, valkey: ValkeyHandle) -> Any:
    with site(tmp_path, valkey.broker_url, "drained:") as made:
        yield made


def test_jobs_read_everything_and_end_with_status_0(place: Site) -> None:
    for number in range(2):
        write_pdf(place.inbox / f"{number}.pdf", 7)
        place.announce(f"{number}.pdf")
    control = place.start("control", arguments=("--drain",))
    place.ready(control=1)
    reader = place.start("cpu", arguments=("--drain",))
    assert reader.wait(120) == 0, place.logs()
    assert control.wait(120) == 0, place.logs()
    assert [document.done for document in place.ended(2)] == [7, 7]
    assert place.store.fleet.workers() == []
