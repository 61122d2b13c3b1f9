"""What `pageline status` says of tenants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import Quota, load_settings
from infra.status import open_store
from infra.status.status import split_step
from worker.stack.address import published
from worker.stack.valkey import start_valkey


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stack without workers: two documents of a tenant that may have one in flight, and one of another."""
    folder = tmp_path_factory.mktemp("stack")
    state = folder / ".pageline"
    with start_valkey(state / "valkey") as valkey:
        settings = load_settings(
            {"broker_url": valkey.broker_url, "results": str(folder / "results"), "tenants": ["a", "b"]}
        )
        store = open_store(settings)
        for name, tenant in (("a1", "a"), ("a2", "a"), ("b1", "b")):
            source = (folder / "inbox" / f"{name}.pdf").as_uri()
            fields = {"tenant": tenant, "priority": "normal", "source": source, "folder": f"{tenant}/{name}"}
            store.status.open(name, fields)
            store.status.line_up(split_step(name, 1))
        store.status.release({"split": 9}, quotas={"a": Quota(documents=1)})
        with published(state, settings):
            yield folder
        store.close()


def status(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "status", "--dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "160"},
    )


_WHY = "It waits for the tenant's quota of 1 document in work."


def test_what_waits_for_a_quota_says_so(stack: Path) -> None:
    shown = status(stack).stdout
    assert f"tenant a: 1 document (0 pages) in work, 1 waiting: {_WHY}" in shown
    assert "tenant b" not in shown  # nothing of it waits
    assert _WHY in status(stack, "a2").stdout
    assert json.loads(status(stack, "a2", "--json").stdout)["reason"] == _WHY


def test_one_tenants_documents_are_shown_alone(stack: Path) -> None:
    shown = json.loads(status(stack, "--tenant", "b", "--json").stdout)
    assert [one["id"] for one in shown] == ["b1"]
    assert "tenant a" not in status(stack, "--tenant", "b").stdout
    other = status(stack, "a1", "--tenant", "b")
    assert other.returncode == 1
    assert "no document a1 is known here" in other.stderr
