"""A desk for tests of tasks in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import QUICK
from desk import Desk

from infra.settings import load_settings
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def values() -> dict[str, Any]:
    """Settings that a test module overrides."""
    return {}


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle, values: dict[str, Any]) -> Iterator[Desk]:
    """A desk with a store of its own."""
    inbox = tmp_path / "in"
    inbox.mkdir()
    prefix = f"{tmp_path.name}:"
    given = {
        "broker_url": valkey.broker_url,
        "key_prefix": prefix,
        "results": str(tmp_path / "out"),
        "sources": [str(inbox)],
        "work_dir": tmp_path / "work",
        "defaults": {"visualize": False},
        "queue": QUICK,
    }
    desk = Desk(load_settings({**given, **values}), inbox)
    yield desk
    for key in desk.store.client.scan_iter(f"{prefix}*"):
        desk.store.client.delete(key)
    desk.store.close()
