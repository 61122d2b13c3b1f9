from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import Heartbeat, Store, store_at


def heartbeat(name: str) -> Heartbeat:
    return Heartbeat(name=name, host="h", pid=1, device="gpu:0", kind="gpu", state="idle", started=1.0)


def test_workers_are_listed_while_they_beat(store: Store) -> None:
    store.fleet.beat(heartbeat("a"))
    store.fleet.beat(heartbeat("b"))
    assert {worker.name for worker in store.fleet.workers()} == {"a", "b"}
    store.client.delete("test:worker:a")  # as when it expires
    assert [worker.name for worker in store.fleet.workers()] == ["b"]
    assert store.client.zrange("test:workers", 0, -1) == ["b"]
    assert store.client.pttl("test:worker:b") > 0


def test_a_worker_that_leaves_is_gone_at_once(store: Store) -> None:
    store.fleet.beat(heartbeat("a"))
    store.fleet.leave("a")
    assert store.fleet.workers() == []


def test_one_leads_until_the_lock_expires(store: Store) -> None:
    assert store.fleet.lead("sweep", "a", 60)
    assert store.fleet.lead("sweep", "a", 60)
    assert not store.fleet.lead("sweep", "b", 60)
    assert store.fleet.lead("reconcile", "b", 60)
    assert 0 < store.client.pttl("test:lock:sweep") <= 60_000
    store.client.delete("test:lock:sweep")
    assert store.fleet.lead("sweep", "b", 60)


def test_a_delayed_message_is_due_in_its_time_and_once_per_message(store: Store) -> None:
    store.fleet.delay({"task": "a", "id": 1}, 600)
    store.fleet.delay({"id": 2, "task": "a"}, 0)
    store.fleet.delay({"task": "a", "id": 2}, 0)
    (text,) = store.fleet.due()
    assert json.loads(text) == {"task": "a", "id": 2}
    assert store.fleet.due() == [text]
    store.fleet.sent(text)
    assert store.fleet.due() == []


@pytest.fixture
def small(store: Store, _status_server: str) -> Iterator[Store]:
    """The store, with room for little."""
    assert store.fleet.dropped() == []
    made = store_at(_status_server, "test:", QueueSettings(keep_recent=2, keep_seconds=60))
    yield made
    made.close()


def test_dropped_announcements_are_bounded_and_expire(store: Store, small: Store) -> None:
    for text in "abc":
        small.fleet.drop(text)
    assert store.fleet.dropped() == ["b", "c"]
    assert 0 < int(str(store.client.ttl("test:dropped"))) <= 60
    store.fleet.picked_up("b")
    assert store.fleet.dropped() == ["c"]


def test_depths_count_the_messages_of_each_queue(store: Store) -> None:
    store.client.lpush("test:ocr.cpu", "m", "n")
    assert store.fleet.depths(["ocr.cpu", "ocr.gpu"]) == {"ocr.cpu": 2, "ocr.gpu": 0}
    assert sorted(store.fleet.messages(["ocr.cpu", "ocr.gpu"])) == ["m", "n"]


def test_a_server_that_takes_no_writes_is_unavailable(store: Store) -> None:
    store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BrokerUnavailable, match="takes no writes"):
            store.status.open("a", {})
        with pytest.raises(BrokerUnavailable, match="takes no writes"):
            store.fleet.beat(heartbeat("a"))
    finally:
        store.client.config_set("maxmemory", 0)
