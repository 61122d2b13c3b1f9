"""`pageline backfill` over buckets and folders, ended and gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.errors import BrokerUnsuitable
from infra.settings import PREFIX, QueueSettings, load_settings
from infra.status import store_at
from infra.storage import Location, open_storage
from tasks.produce import Producer
from tasks.ref import DocumentRef
from worker.cli import filling
from worker.cli.bridging import serve_bridge
from worker.cli.errors import UsageError
from worker.cli.filling import Wanted, fill, moment
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Ended(BaseException):
    """What a signal raises."""


class Announced:
    """What was announced, in order; ends the command after `most`."""

    def __init__(self) -> None:
        self.refs: list[DocumentRef] = []
        self.most: int | None = None

    def announce(self, ref: DocumentRef) -> None:
        if self.most is not None and len(self.refs) >= self.most:
            raise Ended
        self.refs.append(ref)

    def take(self) -> list[str]:
        keys = [ref.key for ref in self.refs]
        self.refs.clear()
        return keys


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> Announced:
    made = Announced()
    monkeypatch.setattr(Producer, "announce", made.announce)
    return made


@pytest.fixture
def fleet(tmp_path: Path, valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets the environment to a fleet with these settings."""

    def of(**values: Any) -> None:
        given = {
            "broker_url": valkey.broker_url,
            "key_prefix": "fill:",
            "results": str(tmp_path / "out"),
            **values,
        }
        for name, value in load_settings(given).environment().items():
            monkeypatch.setenv(name, value)

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    yield of
    store = store_at(valkey.redis_url, "fill:", QueueSettings())
    for key in store.client.scan_iter("fill:*"):
        store.client.delete(key)
    store.close()


def run(location: str, *, since: str | None = None, rate: float | None = None, **flags: bool) -> None:
    fill(Wanted(location, since, rate, "default"), None, **{"dry_run": False, "restart": False, **flags})


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_what_lies_in_a_folder_is_announced_once(
    tmp_path: Path, fleet: Any, announced: Announced, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = files(tmp_path / "in", "a.pdf", "deep/b ü.pdf", "a.pdf.pageline.json", ".hidden", "c.part")
    fleet(sources=[str(inbox)])
    run(str(inbox))
    assert announced.refs[0] == DocumentRef(source=inbox.as_uri(), key="a.pdf")
    assert announced.take() == ["a.pdf", "deep/b ü.pdf"]
    assert capsys.readouterr().out == "2 announced, 1 sidecars, 2 no documents\n"
    run(str(inbox / "deep"))
    assert announced.take() == ["deep/b ü.pdf"]
    (inbox / "empty").mkdir()
    capsys.readouterr()
    run(str(inbox / "empty"))
    assert capsys.readouterr().out.startswith("nothing was found below file:///")


def test_a_bucket_is_gone_through_from_where_it_was_left(
    fleet: Any, announced: Announced, s3_server: SeaweedHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_server.create_bucket("filled")
    storage = open_storage(Location("s3", "filled"), s3_server.options)
    keys = [f"{number:02d}.pdf" for number in range(20)]
    for key in keys:
        storage.create(f"in/{key}", b"x", content_type="application/pdf")
    storage.create("elsewhere.pdf", b"x", content_type="application/pdf")
    options = s3_server.options
    access = {name: getattr(options, name) for name in ("endpoint", "access_key", "secret_key")}
    fleet(sources=["s3://filled/in"], s3=access)
    announced.most = 7
    with pytest.raises(Ended):
        run("s3://filled")
    assert announced.take() == keys[:7]
    announced.most = None
    run("s3://filled")
    assert announced.take() == keys[7:]
    run("s3://filled")
    assert announced.take() == keys
    announced.most = 7
    with pytest.raises(Ended):
        run("s3://filled/in/")
    announced.take()
    announced.most = None
    run("s3://filled/in/", restart=True)
    assert announced.take() == keys


def test_only_what_is_wanted_is_announced(
    tmp_path: Path, fleet: Any, announced: Announced, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = files(tmp_path / "in", "new.pdf", "old.pdf")
    os.utime(inbox / "old.pdf", (0, 0))
    fleet(sources=[str(inbox)])
    run(str(inbox), since="1d", dry_run=True)
    told = capsys.readouterr()
    assert told.out.endswith("new.pdf\n")
    assert told.err == "1 document would be announced\n"
    assert announced.take() == []
    run(str(inbox), since="1d")
    assert announced.take() == ["new.pdf"]


def test_it_keeps_to_its_rate_and_waits_for_the_control_workers(
    tmp_path: Path, fleet: Any, announced: Announced, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = files(tmp_path / "in", *(f"{number}.pdf" for number in range(8)))
    fleet(sources=[str(inbox)])
    clock = [0.0]
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        clock[0] += seconds

    waiting = [5, 20, 20, 3]
    monkeypatch.setattr(filling.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(filling.time, "sleep", sleep)
    monkeypatch.setattr(filling, "_BACKLOG", 10)
    monkeypatch.setattr(filling, "_LOOK_EVERY", 3)
    monkeypatch.setattr("infra.status.fleet.Fleet.waiting", lambda self: waiting.pop(0))
    run(str(inbox), rate=4.0)
    assert len(announced.take()) == 8
    assert waiting == []
    assert clock[0] == pytest.approx(2.25)  # six in 1.25 s, a wait of a second, and the rest at once
    assert sleeps.count(filling._POLL_SECONDS) == 2


@pytest.mark.parametrize("location", ["s3://foreign", "/somewhere/else"])
def test_a_place_outside_all_sources_is_refused(
    tmp_path: Path, fleet: Any, announced: Announced, location: str
) -> None:
    fleet(sources=[str(files(tmp_path / "in"))])
    with pytest.raises(UsageError, match="none of the configured sources"):
        run(location)


def test_a_tenant_that_is_not_configured_is_refused(tmp_path: Path, fleet: Any, announced: Announced) -> None:
    fleet(sources=[str(tmp_path / "in")])
    with pytest.raises(UsageError, match="no tenant 'other'"):
        fill(Wanted(str(tmp_path / "in"), None, None, "other"), None, dry_run=False, restart=False)


@pytest.mark.parametrize(
    "announce",
    [run, lambda place: serve_bridge(place, None, "default", as_json=True)],
    ids=["fill", "bridge"],
)
def test_nothing_is_announced_to_a_broker_that_evicts(
    tmp_path: Path,
    fleet: Any,
    announced: Announced,
    valkey: ValkeyHandle,
    announce: Callable[[str], None],
) -> None:
    fleet(sources=[str(files(tmp_path / "in", "a.pdf"))])
    store = store_at(valkey.redis_url, "fill:", QueueSettings())
    store.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(BrokerUnsuitable, match="allkeys-lru"):
            announce(str(tmp_path / "in"))
    finally:
        store.client.config_set("maxmemory-policy", "noeviction")
        store.close()
    assert announced.take() == []


def test_times_are_read_as_people_write_them() -> None:
    assert moment("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)
    assert moment("2026-01-31T12:00+02:00", NOW) == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert moment("12h", NOW) == NOW - timedelta(hours=12)
    assert moment("0s", NOW) == NOW
    for text in ("yesterday", "7", "99999999999999d", ""):
        with pytest.raises(UsageError, match="--since"):
            moment(text, NOW)
