"""`pageline top`: the fleet at work."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import heed_interrupts
from crew import PATIENCE
from desk import Desk, desk_at

from infra.status import Activity, Doing
from infra.telemetry.counters import Counters
from infra.telemetry.meter import Meter
from worker.cli.overview import show_overview
from worker.cli.terminal import stdout
from worker.stack.valkey import ValkeyHandle

COMMAND = [sys.executable, "-P", "-m", "worker.cli", "top"]


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle) -> Iterator[Desk]:
    queue = {"heartbeat_seconds": 600, "lease_seconds": 1200}
    with desk_at(tmp_path, valkey.broker_url, queue=queue) as made:
        yield made


def environment(desk: Desk) -> dict[str, str]:
    return {**desk.settings.environment(), "COLUMNS": "200", "LINES": "50", "TERM": "xterm"}


def printed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, once: bool
) -> str:
    for name, value in environment(desk).items():
        monkeypatch.setenv(name, value)
    stdout.cache_clear()  # it knows the width from before
    show_overview(None, once=once, interval=1)
    return capsys.readouterr().out


def at_work(desk: Desk) -> None:
    reading = Doing(activity=Activity.READING, document="d1", page=3, since=time.time())
    desk.worker(state="busy", doing=[reading], pages_per_second=1.5, memory_mb=321.0, engine="fake")
    desk.pdf(pages=7)
    desk.ingest()
    desk.work(until="pageline.pages")
    meter = Meter()
    meter.count("errors_total", "pages", "StorageUnavailable", by=3)
    Counters(desk.store.client, desk.store.keys).take(meter)


def test_one_look_shows_workers_queues_documents_and_errors(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work(desk)
    found = printed(desk, monkeypatch, capsys, once=True)
    lines = found.splitlines()
    assert lines[0].startswith("1 document under way · 1.50 pages/s")
    (worker,) = [line for line in lines if line.startswith("cpu-worker")]
    assert worker.split()[1:6] == ["cpu", "fake", "busy", "1.50", "321"]
    assert re.search(r"reading page 3 of document d1 for \d+ s", worker)
    (queue,) = [line for line in lines if line.startswith("ocr.cpu")]
    assert queue.rstrip().endswith(" s")
    assert any("a.pdf" in line and "processing" in line and "0/7" in line for line in lines)
    assert any(line.split() == ["pages", "StorageUnavailable", "3"] for line in lines)
    assert "\x1b" not in found


def test_without_workers_nobody_pretends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.pdf()
    desk.ingest()
    desk.work(until="pageline.pages")
    found = printed(desk, monkeypatch, capsys, once=False)  # once all the same: there is no terminal
    assert "no workers" in found
    assert "never" in found


def test_a_terminal_shows_it_live_until_ctrl_c(desk: Desk) -> None:
    at_work(desk)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--interval", "0.1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **environment(desk)},
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - it only sets a signal handler
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + PATIENCE
    while shown.count(b"under way") < 3 and time.monotonic() < until:  # further looks, not one
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert b"cpu-worker" in shown
