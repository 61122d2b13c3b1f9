"""Real servers that tests share, each started once, when the first test asks for it.

Where a server's wheel is not installed, its tests are skipped; where `CI` is set, they fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from infra.errors import ServiceError
from infra.storage import S3Options
from worker.stack.seaweed import SeaweedHandle, start_seaweed
from worker.stack.valkey import ValkeyHandle, start_valkey, valkey_binary
from worker.stack.weed import weed_binary


def absent(reason: str) -> NoReturn:
    """Skip the test for want of a service, or fail it where all services are expected."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require(*programs: Callable[[], Path]) -> None:
    """Skip the test, or fail it as `absent` does, where a server's program is not found."""
    try:
        for find in programs:
            find()
    except ServiceError as error:
        absent(str(error))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyHandle]:
    """A Valkey server; tests share it, so they keep to keys of their own."""
    require(valkey_binary)
    with start_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedHandle]:
    """A SeaweedFS server; tests share it, so they keep to buckets of their own."""
    require(weed_binary)
    with start_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Options]:
    """Moto's server within this process; it checks no signatures."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second to import
    except ImportError:
        absent("moto's server is not installed: pip install 'pageline[test]'")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Options(endpoint=f"http://{host}:{port}", access_key="any", secret_key="any")
    server.stop()
