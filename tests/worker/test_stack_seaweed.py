from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

from infra.errors import NotFound, ServiceError
from infra.storage import Location, Storage, open_storage
from worker.stack import weed
from worker.stack.pidfile import Identity
from worker.stack.ports import free_ports
from worker.stack.seaweed import SeaweedHandle, start_seaweed

KILLED = """
import os, signal, sys
from pathlib import Path
from infra.storage import Location, open_storage
from worker.stack.seaweed import start_seaweed

server = start_seaweed(Path(sys.argv[1]))
server.create_bucket("kept")
open_storage(Location("s3", "kept"), server.options).create("x", b"kept", content_type="text/plain")
print(server.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def bucket(s3_server: SeaweedHandle) -> str:
    name = f"bucket-{uuid4().hex[:12]}"
    s3_server.create_bucket(name)
    return name


@pytest.fixture
def storage(s3_server: SeaweedHandle, bucket: str) -> Storage:
    return open_storage(Location("s3", bucket), s3_server.options)


def put(storage: Storage, key: str, data: bytes = b"data") -> None:
    storage.create(key, data, content_type="text/plain")


def ask(port: int, method: str, path: str, body: bytes = b"") -> int:
    """Send a request without any credentials; return the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body)
    status = connection.getresponse().status
    connection.close()
    return status


def listeners(pid: int) -> Iterator[tuple[str, int]]:
    """Yield (address in hexadecimal, port) of each TCP socket on which a process listens."""
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:
                address, port = fields[1].split(":")
                yield address, int(port, 16)


@linux
def test_every_listener_is_on_loopback_and_none_is_needless(s3_server: SeaweedHandle) -> None:
    found = list(listeners(s3_server.process.pid))
    assert {address for address, _ in found} == {"0100007F"}  # 127.0.0.1
    assert sorted(port for _, port in found) == sorted(s3_server.ports.values())
    parts = ("master", "volume", "filer", "s3", "admin")
    assert set(s3_server.ports) == {f"{part}.port{kind}" for part in parts for kind in ("", ".grpc")}


@linux
def test_nothing_of_our_environment_reaches_it_and_telemetry_is_off(s3_server: SeaweedHandle) -> None:
    assert Path(f"/proc/{s3_server.process.pid}/environ").read_bytes() == b""
    settings = (s3_server.directory / "data" / "mini.options").read_text().splitlines()
    assert "master.telemetry=false" in settings
    assert "webdav=false" in settings


def test_the_filer_is_closed(s3_server: SeaweedHandle, storage: Storage, bucket: str) -> None:
    put(storage, "inside")
    port = s3_server.ports["filer.port"]
    assert ask(port, "PUT", f"/buckets/{bucket}/intruder", b"x") == 401
    assert ask(port, "POST", f"/buckets/{bucket}/intruder", b"x") == 401
    assert ask(port, "GET", f"/buckets/{bucket}/inside") == 401
    assert ask(port, "GET", "/") == 401
    assert ask(port, "DELETE", f"/buckets/{bucket}/inside") == 401
    assert [info.key for info in storage.list("")] == ["inside"]
    assert storage.read("inside") == b"data"


def test_s3_wants_a_signature_and_the_admin_page_is_off(s3_server: SeaweedHandle, bucket: str) -> None:
    assert ask(s3_server.ports["s3.port"], "PUT", f"/{bucket}/intruder", b"x") == 403
    assert ask(s3_server.ports["s3.port"], "GET", f"/{bucket}/intruder") == 403
    assert ask(s3_server.ports["admin.port"], "GET", "/") == 404
    assert ask(s3_server.ports["volume.port"], "POST", "/1,01", b"x") == 401


def test_secrets_are_this_user_s_alone(s3_server: SeaweedHandle) -> None:
    folder = s3_server.directory / "config"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"s3.json", "security.toml"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert s3_server.secret_key not in repr(s3_server)
    assert len(s3_server.secret_key) >= 40
    assert s3_server.options.access_key == s3_server.access_key


def test_a_bucket_is_made_once_and_never_by_itself(s3_server: SeaweedHandle, bucket: str) -> None:
    s3_server.create_bucket(bucket)
    stray = open_storage(Location("s3", "never-made"), s3_server.options)
    with pytest.raises(NotFound):
        put(stray, "x")


def test_followers_hear_of_new_and_changed_objects(
    s3_server: SeaweedHandle, storage: Storage, bucket: str, tmp_path: Path
) -> None:
    put(storage, "inbox/early")
    with s3_server.follow(bucket, "inbox/") as follower:
        put(storage, "outbox/x")
        put(storage, "inbox/two words ü+%.pdf")
        assert next(follower) == "inbox/two words ü+%.pdf"
        storage.replace("inbox/early", b"changed", if_match=None, content_type="text/plain")
        assert next(follower) == "inbox/early"
        storage.delete("inbox/early")
        (tmp_path / "big").write_bytes(b"x" * (9 << 20))
        parts = open_storage(Location("s3", bucket), replace(s3_server.options, part_bytes=5 << 20))
        parts.create("inbox/deep/er/big", tmp_path / "big", content_type="a/b")
        assert next(follower) == "inbox/deep/er/big"


def test_followers_hear_what_they_have_missed(
    s3_server: SeaweedHandle, storage: Storage, bucket: str
) -> None:
    put(storage, "in/before")
    since = datetime.now(UTC)
    put(storage, "in/a")
    put(storage, "in/b")
    with s3_server.follow(bucket, "in/", since) as follower:
        assert [next(follower), next(follower)] == ["in/a", "in/b"]


def test_a_prefix_may_end_within_a_name(s3_server: SeaweedHandle, storage: Storage, bucket: str) -> None:
    with s3_server.follow(bucket, "in/re") as follower:
        put(storage, "in/letter")
        put(storage, "in/receipt")
        assert next(follower) == "in/receipt"


def test_a_waiting_follower_can_be_stopped(s3_server: SeaweedHandle, storage: Storage, bucket: str) -> None:
    follower = s3_server.follow(bucket)
    heard: list[str] = []
    first = threading.Event()

    def listen() -> None:
        for key in follower:
            heard.append(key)
            first.set()

    thread = threading.Thread(target=listen)
    thread.start()
    put(storage, "x")
    assert first.wait(30)
    follower.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert heard == ["x"]


def test_a_server_keeps_data_keys_and_ports_and_a_follower_tells_its_end(tmp_path: Path) -> None:
    with start_seaweed(tmp_path / "odd näme") as first:
        first.create_bucket("kept")
        put(open_storage(Location("s3", "kept"), first.options), "x", b"kept")
        follower = first.follow("kept")
        with pytest.raises(ServiceError, match="in use by another running stack"):
            start_seaweed(tmp_path / "odd näme")
    with follower, pytest.raises(ServiceError, match="broke off"):
        next(follower)
    assert first.process.poll() is not None
    with start_seaweed(tmp_path / "odd näme") as second:
        assert second.options == first.options
        assert open_storage(Location("s3", "kept"), second.options).read("x") == b"kept"


def test_ports_that_are_taken_are_chosen_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = free_ports
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as grpc:
        taken = {"s3.port": http.getsockname()[1], "filer.port.grpc": grpc.getsockname()[1]}
        rounds: list[dict[str, int]] = []

        def unlucky(count: int) -> list[int]:
            """Choose what others take in the meantime: an HTTP port once, a gRPC port always."""
            ports = dict(zip(weed.FLAGS, find(count), strict=True))
            ports["filer.port.grpc"] = taken["filer.port.grpc"]
            if not rounds:
                ports["s3.port"] = taken["s3.port"]
            rounds.append(ports)
            return list(ports.values())

        monkeypatch.setattr(weed, "free_ports", unlucky)
        with start_seaweed(tmp_path) as server:
            assert len(rounds) == 2
            assert server.ports["s3.port"] == rounds[1]["s3.port"]
            assert not set(server.ports.values()) & set(taken.values())
            server.create_bucket("box")
            with server.follow("box") as follower:  # it knows the gRPC port that was taken instead
                put(open_storage(Location("s3", "box"), server.options), "x")
                assert next(follower) == "x"


def test_an_orphan_of_a_killed_parent_is_replaced_and_its_data_kept(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = Identity.of(int(killed.stdout))
    assert orphan is not None
    with start_seaweed(tmp_path) as server:
        assert not orphan.alive()
        assert open_storage(Location("s3", "kept"), server.options).read("x") == b"kept"
        ports = server.ports
    assert [port for port in ports.values() if list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))] == []


def test_why_it_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "s3.json").write_text("{}")
    with pytest.raises(ServiceError, match=r"s3.json has no credentials"):
        start_seaweed(tmp_path)
    (tmp_path / "config" / "s3.json").unlink()
    (tmp_path / "data" / "filerldb2").write_text("in the way")
    with pytest.raises(ServiceError, match=r"SeaweedFS ended with status \d+ at its start: .*filerldb2"):
        start_seaweed(tmp_path)
