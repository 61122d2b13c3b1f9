from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import kombu
import pytest
import redis

from infra.errors import ServiceError
from worker.stack.pidfile import Identity
from worker.stack.valkey import ValkeyHandle, socket_path, start_valkey

KILLED = """
import os, signal, sys
from pathlib import Path
import redis
from worker.stack.valkey import start_valkey

server = start_valkey(Path(sys.argv[1]))
redis.Redis.from_url(server.redis_url).set("kept", "yes")
print(server.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def client(server: ValkeyHandle) -> redis.Redis:
    return redis.Redis.from_url(server.redis_url, decode_responses=True)


def test_it_keeps_everything_evicts_nothing_and_listens_for_this_user_only(valkey: ValkeyHandle) -> None:
    settings = client(valkey).config_get("*")
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"
    assert settings["port"] == "0"
    assert stat.S_IMODE(valkey.socket.stat().st_mode) == 0o700


def test_celery_s_transport_reaches_it(valkey: ValkeyHandle) -> None:
    with kombu.Connection(valkey.broker_url) as connection:
        queue = connection.SimpleQueue(f"test-{uuid.uuid4().hex}")
        queue.put({"page": 0})
        message = queue.get(timeout=10)
        message.ack()
        assert message.payload == {"page": 0}


def test_data_outlives_a_stop(tmp_path: Path) -> None:
    folder = tmp_path / "odd 'näme' \"x\" 100%"
    with start_valkey(folder) as server:
        assert str(folder) in str(server.socket)
        client(server).set("kept", "yes")
        with pytest.raises(ServiceError, match="in use by another running stack"):
            start_valkey(folder)
    assert server.process.poll() == 0
    assert not server.socket.exists()
    with start_valkey(folder) as server:
        assert client(server).get("kept") == "yes"


def test_an_orphan_of_a_killed_parent_is_replaced_and_its_data_kept(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = Identity.of(int(killed.stdout))
    assert orphan is not None
    with start_valkey(tmp_path) as server:
        assert not orphan.alive()
        assert client(server).get("kept") == "yes"


def test_a_killed_server_can_be_started_again_at_once(tmp_path: Path) -> None:
    server = start_valkey(tmp_path)
    client(server).set("kept", "yes")
    client(server).waitaof(1, 0, 10_000)
    os.kill(server.process.pid, signal.SIGKILL)
    assert server.process.wait(30) == -signal.SIGKILL
    with start_valkey(tmp_path) as server:
        assert client(server).get("kept") == "yes"


def test_a_folder_with_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    with start_valkey(folder) as server:
        assert client(server).ping()
        assert len(os.fsencode(server.socket)) <= 100
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert server.socket == socket_path(folder)
    server.socket.parent.rmdir()


def test_where_temporary_files_lie_deep_too_the_socket_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    path = socket_path(tmp_path / ("long" * 30))
    assert len(os.fsencode(path)) <= 100
    path.parent.rmdir()


def test_a_short_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("long" * 30)
    shared = socket_path(folder).parent
    try:
        shared.chmod(0o777)
        with pytest.raises(ServiceError, match="not a folder of this user alone"):
            start_valkey(folder)
    finally:
        shared.rmdir()


def test_why_it_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(ServiceError, match=r"Valkey ended with status 1 at its start: .*append") as caught:
        start_valkey(tmp_path)
    assert "\n" not in str(caught.value)
