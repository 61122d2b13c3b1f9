"""`pageline status --workers`: who is at work, and how it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import load_settings
from infra.status import Activity, Doing, Heartbeat, Store, open_store
from worker.stack.address import published
from worker.stack.valkey import start_valkey


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stack with three workers that beat no more, but long enough."""
    folder = tmp_path_factory.mktemp("stack")
    state = folder / ".pageline"
    with start_valkey(state / "valkey") as valkey:
        queue = {"heartbeat_seconds": 600, "lease_seconds": 1200}
        values = {"broker_url": valkey.broker_url, "results": str(folder / "out"), "queue": queue}
        settings = load_settings(values)
        store = open_store(settings)
        with published(state, settings):
            put(store, "control@h.1")
            reading = Doing(activity=Activity.READING, document="d1", page=3, since=time.time())
            put(store, "cpu@h.2", reading, replaced="after page 7 of document d0 the process held 9 MiB")
            writing = Doing(activity=Activity.WRITING, document="d2", page=4, since=1.0, until=2.0)
            put(store, "cpu@h.3", writing)
            put(store, "gpu:0@h.4", batch=4, halved=2)
            yield folder
        store.close()


def put(store: Store, name: str, *doing: Doing, replaced: str | None = None, **device: int) -> None:
    state = "busy" if doing else "idle"
    fields = {"host": "h", "pid": 1, "device": "cpu", "kind": "cpu", "started": 0.0, "memory_mb": 512.4}
    beat = {"name": name, "state": state, "doing": doing, "replaced": replaced, **fields, **device}
    store.fleet.beat(Heartbeat.model_validate(beat))


def status(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "status", "--dir", str(folder), "--workers", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )


def test_each_worker_is_shown_with_its_health_and_what_it_is_at(stack: Path) -> None:
    shown = status(stack)
    assert shown.returncode == 0, shown.stderr
    _, *lines = shown.stdout.splitlines()
    assert lines[0].split() == ["control@h.1", "idle", "512"]
    assert lines[1].split()[:8] == ["cpu@h.2", "busy", "512", "reading", "page", "3", "of", "document"]
    assert lines[2].split()[:7] == ["cpu@h.3", "stuck", "512", "writing", "page", "4", "of"]
    assert lines[3].split() == ["gpu:0@h.4", "idle", "512"]
    assert lines[4] == "cpu@h.2 was replaced: after page 7 of document d0 the process held 9 MiB"
    assert lines[5] == (
        "gpu:0@h.4 is short of memory on its device: its batch was halved 2 times, to 4 pages"
    )


def test_a_program_gets_all_of_it(stack: Path) -> None:
    found = {beat["name"]: beat for beat in json.loads(status(stack, "--json").stdout)}
    assert {name: beat["health"] for name, beat in found.items()} == {
        "control@h.1": "idle",
        "cpu@h.2": "busy",
        "cpu@h.3": "stuck",
        "gpu:0@h.4": "idle",
    }
    assert found["cpu@h.2"]["doing"][0] | {"since": 0} == {
        "activity": "reading",
        "document": "d1",
        "page": 3,
        "since": 0,
        "until": None,
    }


def test_a_document_cannot_be_named_too(stack: Path) -> None:
    refused = status(stack, "some-id")
    assert refused.returncode == 2
    assert "--workers shows all workers once" in refused.stderr
