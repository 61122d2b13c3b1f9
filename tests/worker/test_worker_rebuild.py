"""A control worker that starts looks for what was lost while none ran."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crew import wait_for
from desk import Desk, desk_at

from infra.status import Pass
from tasks.queues import CONTROL
from worker.app import make_app
from worker.plan import WorkerPlan
from worker.run import _rhythms
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle) -> Iterator[Desk]:
    with desk_at(tmp_path, valkey.broker_url) as made:
        yield made


def test_what_was_lost_while_no_control_worker_ran_is_found_at_start(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.lose_documents()
    passes = desk.store.passes
    passes.save(Pass(None, time.time(), passes.server()))  # the next would be due in an hour
    plan = WorkerPlan.make(desk.settings, CONTROL)
    with _rhythms(desk.settings, desk.store, make_app(desk.settings, plan), plan):
        wait_for(desk.documents)
