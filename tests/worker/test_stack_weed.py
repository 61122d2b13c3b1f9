from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from infra.errors import ServiceError
from worker.stack.ports import free_ports
from worker.stack.weed import (
    FLAGS,
    forget_sockets,
    prepare,
    server_arguments,
    take_ports,
    used_ports,
    weed_command,
)


def written(folder: Path, ports: dict[str, int]) -> Path:
    """Write a server's own record of its ports, as it does at its start."""
    path = folder / "data" / "mini.options"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{flag}={port}" for flag, port in ports.items()]
    path.write_text("\n".join(["#!/bin/bash", "# comment", "", "ip=127.0.0.1", *lines]))
    return path


def test_the_first_start_takes_free_ports(tmp_path: Path) -> None:
    ports = take_ports(tmp_path)
    assert set(ports) == set(FLAGS)
    assert len(set(ports.values())) == len(FLAGS)
    assert used_ports(tmp_path) == {}


def test_the_next_start_takes_the_same_ports_and_forgets_the_record(tmp_path: Path) -> None:
    last = dict(zip(FLAGS, free_ports(len(FLAGS)), strict=True))
    record = written(tmp_path, last)
    assert used_ports(tmp_path) == last
    assert take_ports(tmp_path) == last
    assert not record.exists()


def test_ports_of_which_one_is_taken_are_all_chosen_anew(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        last = dict(zip(FLAGS, free_ports(len(FLAGS)), strict=True))
        last["s3.port"] = server.getsockname()[1]
        written(tmp_path, last)
        assert last["s3.port"] not in take_ports(tmp_path).values()


def test_an_incomplete_record_counts_for_nothing(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    written(tmp_path, {"s3.port": port})
    assert used_ports(tmp_path) == {"s3.port": port}
    assert set(take_ports(tmp_path)) == set(FLAGS)


def test_sockets_of_a_dead_server_go_and_those_of_a_live_one_stay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        live = Path(f"/tmp/seaweedfs-filer-{server.getsockname()[1]}.sock")
        (port,) = free_ports(1)
        dead = Path(f"/tmp/seaweedfs-filer-grpc-{port}.sock")
        try:
            live.touch()
            dead.touch()
            forget_sockets({"filer.port": server.getsockname()[1], "filer.port.grpc": port})
            assert live.exists()
            assert not dead.exists()
        finally:
            live.unlink()
            dead.unlink(missing_ok=True)


def test_credentials_and_keys_are_random_and_kept(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a")
    assert prepare(tmp_path / "a") == first
    assert prepare(tmp_path / "b") != first
    keys = [(tmp_path / name / "config" / "security.toml").read_text() for name in "ab"]
    assert keys[0] != keys[1]
    assert len({line for line in keys[0].splitlines() if line.startswith("key")}) == 4
    identity = json.loads((tmp_path / "a" / "config" / "s3.json").read_text())["identities"]
    assert [entry["credentials"][0]["accessKey"] for entry in identity] == [first.access_key]


DAMAGED = ["", "{", "{}", '{"identities": []}', '{"identities": [{"credentials": [{}]}]}']


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_credentials_are_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "s3.json").write_text(content)
    with pytest.raises(ServiceError, match=r"s3\.json has no credentials; remove it"):
        prepare(tmp_path)


def test_nothing_is_left_to_the_server_s_own_choice(tmp_path: Path) -> None:
    ports = take_ports(tmp_path)
    command = weed_command(tmp_path / "config", *server_arguments(tmp_path, ports))
    assert f"-config_dir={tmp_path / 'config'}" in command
    for flag, port in ports.items():
        assert f"-{flag}={port}" in command
    for option in ("ip=127.0.0.1", "ip.bind=127.0.0.1", "webdav=false", "s3.autoCreateBucket=false"):
        assert f"-{option}" in command
