"""What Prometheus gets: the whole fleet from Redis, whoever answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_at
from prometheus_client.parser import text_string_to_metric_families

from infra.settings import load_settings
from infra.status import Activity, Doing, open_store
from infra.telemetry.catalogue import METRICS, PREFIX
from infra.telemetry.meter import METER
from tasks.context import Tools
from worker.exposition import exposition
from worker.noting import hand_in, noted
from worker.stack.valkey import ValkeyHandle

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle) -> Iterator[Desk]:
    METER.drain()  # what other tests have counted in this process
    with desk_at(tmp_path, valkey.broker_url, tenants=["default", "acme"]) as made:
        yield made
    METER.drain()


def scraped(tools: Tools) -> Samples:
    families = text_string_to_metric_families(exposition(tools).decode())
    return {
        (sample.name.removeprefix(PREFIX), tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_a_fleet_at_work_is_told_of(desk: Desk) -> None:
    desk.worker(
        memory_mb=100.0, pages_per_second=2.0, megapixels_per_second=4.0, engine="fake", digest="d" * 64
    )
    reading = Doing(activity=Activity.READING, document="d", page=1, since=1.0, until=2.0)
    desk.worker("gpu", memory_mb=50.0, state="busy", doing=[reading])
    desk.pdf(pages=5)
    desk.ingest()
    desk.work(until="pageline.pages")
    found = scraped(desk.tools)
    assert value(found, "broker_up") == 1
    assert value(found, "workers", kind="cpu", health="idle") == 1
    assert value(found, "workers", kind="gpu", health="stuck") == 1
    assert value(found, "workers", kind="control", health="idle") == 0
    assert value(found, "worker_memory_bytes", kind="cpu") == 100 * 2**20
    assert value(found, "megapixels_per_second", kind="cpu") == 4
    assert value(found, "documents_active") == 1
    assert value(found, "tenant_documents", tenant="default") == 1
    assert value(found, "tenant_pages", tenant="default") == 5
    assert value(found, "tenant_waiting", tenant="acme") == 0
    assert sum(value(found, "backlog_megapixels", kind=kind) for kind in ("cpu", "gpu")) > 0
    assert value(found, "drain_seconds", kind="cpu") < float("inf")


def test_what_was_read_is_counted_once_and_by_outcome(desk: Desk) -> None:
    METER.kind = "cpu"
    desk.pdf(pages=4)
    desk.ingest()
    desk.work()
    (desk.inbox / "bad.pdf").write_bytes(b"no document")
    desk.ingest("bad.pdf")
    desk.work()
    hand_in(desk.store)
    found = scraped(desk.tools)
    assert value(found, "pages_total", state="done") == 4
    assert value(found, "documents_total", state="succeeded") == 1
    assert value(found, "documents_total", state="rejected") == 1
    assert value(found, "document_seconds_count") == 2
    assert value(found, "pages_read_total", kind="cpu") == 4
    assert value(found, "page_seconds_bucket", kind="cpu", le="+Inf") == 4
    assert value(found, "page_seconds_sum", kind="cpu") > 0
    for stage in ("rendering", "reading", "writing", "detection", "recognition"):
        assert value(found, "stage_seconds_total", kind="cpu", stage=stage) > 0


def test_any_replica_tells_the_same_and_nothing_is_lost_with_one(desk: Desk) -> None:
    METER.kind = "cpu"
    desk.pdf()
    desk.ingest()
    desk.work()
    hand_in(desk.store)
    first = scraped(desk.tools)
    fresh = open_store(desk.settings)
    again = scraped(Tools(desk.settings, fresh, lambda *_: None))
    fresh.close()
    counted = {key: amount for key, amount in first.items() if "_total" in key[0] or "_seconds_" in key[0]}
    assert counted
    assert {key: again[key] for key in counted} == counted


def test_errors_are_counted_by_step_and_class(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a fault of the test's")

    desk.pdf()
    desk.ingest()
    monkeypatch.setattr("tasks.split.probe", fail)
    desk.step()
    hand_in(desk.store)
    found = scraped(desk.tools)
    assert value(found, "errors_total", step="split", reason="unexpected ZeroDivisionError") == 1


def test_what_comes_round_says_when_it_did(desk: Desk) -> None:
    act = noted(desk.store, "sweep", lambda: 7)
    assert act() == 7
    noted(desk.store, "spool:0123", lambda: 0)()
    found = scraped(desk.tools)
    assert 0 <= value(found, "rhythm_age_seconds", rhythm="sweep") < 60
    assert [labels for name, labels in found if name == "rhythm_age_seconds"] == [(("rhythm", "sweep"),)]


def test_backlog_without_a_worker_never_drains(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.work(until="pageline.pages")
    assert value(scraped(desk.tools), "drain_seconds", kind="cpu") == float("inf")


def test_without_redis_that_is_what_is_told(tmp_path: Path) -> None:
    settings = load_settings(
        {"broker_url": f"redis+socket://{tmp_path}/nobody.sock", "results": str(tmp_path / "out")}
    )
    store = open_store(settings)
    store.client.connection_pool.connection_kwargs["retry"] = None
    found = scraped(Tools(settings, store, lambda *_: None))
    assert value(found, "broker_up") == 0
    assert {name for name, _ in found} == {"build_info", "broker_up"}


def test_many_tenants_have_few_series(tmp_path: Path, valkey: ValkeyHandle) -> None:
    names = [f"t{number}" for number in range(150)]
    with desk_at(tmp_path, valkey.broker_url, tenants=names) as made:
        found = scraped(made.tools)
    tenants = {dict(labels)["tenant"] for name, labels in found if name == "tenant_documents"}
    assert len(tenants) == 101
    assert "_others" in tenants


def test_what_is_told_is_what_the_catalogue_names(desk: Desk) -> None:
    desk.worker()
    text = exposition(desk.tools).decode()
    told = {family.name for family in text_string_to_metric_families(text)}
    known = {PREFIX + name.removesuffix("_total") for name in METRICS}
    assert told <= known
    assert all(f"# HELP {PREFIX}{name}" in text for name in METRICS)


def test_counters_that_cannot_be_written_hold_up_no_heartbeat(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.store.client.set(desk.store.keys("counters"), "somebody else's")
    METER.count("pages_read_total", "cpu")
    hand_in(desk.store)
    assert "what was counted is lost" in caplog.text
    desk.store.client.delete(desk.store.keys("counters"))
    METER.count("pages_read_total", "cpu")
    hand_in(desk.store)
    assert value(scraped(desk.tools), "pages_read_total", kind="cpu") == 1
