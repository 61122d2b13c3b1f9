"""A desk for tests of tasks in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_at
from flaky import Flaky

from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def values() -> dict[str, Any]:
    """Settings that a test module overrides."""
    return {}


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle, values: dict[str, Any]) -> Iterator[Desk]:
    """A desk with a store of its own."""
    with desk_at(tmp_path, valkey.broker_url, **values) as made:
        yield made


@pytest.fixture
def flaky(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Flaky:
    inbox = Flaky(desk.inbox)
    results = Flaky(Path(desk.settings.results.removeprefix("file://")))
    inbox.refuse = results.refuse
    roots = {desk.settings.results: results, f"file://{desk.inbox}": inbox}
    monkeypatch.setattr(type(desk.context), "storage", lambda self, uri: roots[uri])
    return results
