"""Counters: of a process, and of the fleet in Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.telemetry.counters import Counters
from infra.telemetry.meter import Meter, field
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def store(valkey: ValkeyHandle) -> Iterator[Store]:
    made = store_at(f"unix://{valkey.socket}", "counting:", QueueSettings())
    yield made
    made.client.delete("counting:counters", "counting:rhythms")
    made.close()


def test_what_several_processes_counted_is_added_up(store: Store) -> None:
    counters = Counters(store.client, store.keys)
    for amount in (1, 2.5):
        meter = Meter()
        meter.count("pages_read_total", "cpu")
        meter.count("megapixels_read_total", "cpu", by=amount)
        counters.take(meter)
        counters.take(meter)  # nothing is new
    assert counters.all() == {"pages_read_total|cpu": 2, "megapixels_read_total|cpu": 3.5}


def test_a_histogram_keeps_each_value_in_one_bucket_and_their_sum() -> None:
    meter = Meter()
    for seconds in (0.01, 0.05, 0.06, 1000):
        meter.observe("page_seconds", seconds, "cpu")
    kept = meter.drain()
    assert kept.pop("page_seconds|cpu|sum") == pytest.approx(1000.12)
    assert kept == {"page_seconds|cpu|0": 2, "page_seconds|cpu|1": 1, "page_seconds|cpu|12": 1}


def test_nothing_that_was_counted_is_lost_while_redis_is_away(tmp_path: Path) -> None:
    away = store_at(f"unix://{tmp_path}/nobody.sock", "x:", QueueSettings())
    away.client.connection_pool.connection_kwargs["retry"] = None
    meter = Meter()
    meter.count("pages_read_total", "cpu")
    with pytest.raises(BrokerUnavailable):
        Counters(away.client, away.keys).take(meter)
    meter.count("pages_read_total", "cpu")
    assert meter.drain() == {"pages_read_total|cpu": 2}


def test_there_is_an_end_of_series_whatever_is_counted() -> None:
    meter = Meter()
    for number in range(1000):
        meter.count("errors_total", "page", f"Error{number}" + "x" * 1000)
    kept = meter.drain()
    assert len(kept) == 201
    assert kept[field("errors_total", "other", "other")] == 800
    assert max(map(len, kept)) < 100


def test_a_name_or_labels_that_are_not_in_the_catalogue_are_refused() -> None:
    meter = Meter()
    with pytest.raises(KeyError):
        meter.count("pages_raed_total", "cpu")
    with pytest.raises(ValueError, match="kind"):
        meter.count("pages_read_total")
    meter.count("pages_read_total", "a|b")
    assert meter.drain() == {"pages_read_total|a_b": 1}


def test_threads_count_together() -> None:
    meter = Meter()

    def count() -> None:
        for _ in range(1000):
            meter.count("pages_read_total", "cpu")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.drain() == {"pages_read_total|cpu": 4000}


def test_rhythms_are_known_by_when_they_last_acted(store: Store) -> None:
    counters = Counters(store.client, store.keys)
    counters.acted("sweep")
    first = counters.rhythms()["sweep"]
    counters.acted("sweep")
    assert counters.rhythms()["sweep"] >= first > 0
