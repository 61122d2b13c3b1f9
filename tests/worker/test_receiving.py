"""Taking more messages than the one that was delivered."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery

from tasks.queues import INGEST, PAGES, broker_conf, queues_of
from worker.receiving import take_with
from worker.stack.valkey import ValkeyHandle


def app_at(broker_url: str, prefix: str) -> Celery:
    app = Celery("test-receiving", set_as_current=False)
    app.conf.update(broker_conf(broker_url, prefix, 3600))
    return app


def test_queues_are_served_in_turn_and_what_is_taken_is_gone(valkey: ValkeyHandle, tmp_path: Path) -> None:
    app = app_at(valkey.broker_url, f"{tmp_path.name}:")
    for number in range(2):
        app.send_task(PAGES, args=[f"bulk-{number}", 1, 1, 1, "normal", 0], queue="ocr.gpu.bulk")
        app.send_task(PAGES, args=[f"high-{number}", 1, 1, 1, "normal", 0], queue="ocr.gpu.high")
    app.send_task(PAGES, args=["elsewhere", 1, 1, 1, "normal", 0], queue="ocr.cpu")
    take = take_with(app, queues_of("gpu"))
    taken = [take() for _ in range(4)]
    assert sorted(str(row and row[0]) for row in taken[:2]) == ["bulk-0", "high-0"]
    assert sorted(str(row and row[0]) for row in taken[2:]) == ["bulk-1", "high-1"]
    assert taken[0] is not None
    assert taken[0][1:] == [1, 1, 1, "normal", 0]
    assert take() is None
    other = take_with(app, queues_of("cpu"))()
    assert other is not None
    assert other[0] == "elsewhere"
    app.close()


def test_messages_of_other_tasks_are_passed_over(valkey: ValkeyHandle, tmp_path: Path) -> None:
    app = app_at(valkey.broker_url, f"{tmp_path.name}:")
    app.send_task(INGEST, args=[{}, 0], queue="ocr.gpu")
    assert take_with(app, queues_of("gpu"))() is None
    app.close()


def test_a_broker_that_is_gone_gives_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_at(f"redis+socket://{tmp_path}/nobody.sock", "p:")
    assert take_with(app, queues_of("gpu"))() is None
    assert "no more pages are taken" in caplog.text
    app.close()
