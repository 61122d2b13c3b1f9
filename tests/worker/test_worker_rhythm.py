"""Work that comes round: led by one, and slower while the storage does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import BrokerUnavailable, StorageUnavailable
from infra.settings import QueueSettings
from infra.status import Store
from infra.status import store_at as open_at
from worker.rhythm import Rhythm
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def store(valkey: ValkeyHandle, tmp_path: Path) -> Iterator[Store]:
    made = open_at(valkey.redis_url, f"{tmp_path.name}:", QueueSettings())
    yield made
    for key in made.client.scan_iter(f"{tmp_path.name}:*"):
        made.client.delete(key)
    made.close()


class Beats:
    """Counts calls, and raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.times: list[float] = []
        self._come = threading.Condition()

    def __call__(self) -> int:
        with self._come:
            self.times.append(time.monotonic())
            self._come.notify_all()
        if self.error is not None:
            raise self.error
        return 0

    def wait(self, count: int) -> None:
        with self._come:
            assert self._come.wait_for(lambda: len(self.times) >= count, timeout=60)


def rhythm(store: Store, beats: Beats, candidate: str = "me") -> Rhythm:
    return Rhythm("test", 0.02, store.fleet, candidate, beats, lead_seconds=600)


def test_only_the_leader_acts(store: Store) -> None:
    leading, waiting = Beats(), Beats()
    first, second = rhythm(store, leading), rhythm(store, waiting, "other")
    first.start()
    leading.wait(1)
    second.start()
    leading.wait(5)
    first.stop()
    second.stop()
    assert waiting.times == []


def test_the_next_beat_waits_for_nobody_who_died(store: Store) -> None:
    act = Beats()
    dies = Rhythm("test", 30, store.fleet, "dies", act)
    assert dies.beat()
    left = store.client.pttl(store.keys("lock", "test"))
    assert 0 < left < 30_000
    assert Rhythm("test", 30, store.fleet, "other", act).beat()
    assert len(act.times) == 1  # it is not due yet
    store.client.delete(store.keys("lock", "test"))  # so long as that
    assert Rhythm("test", 30, store.fleet, "other", act).beat()
    assert len(act.times) == 2


@pytest.mark.parametrize("error", [None, StorageUnavailable("away"), ValueError("a fault")])
def test_whoever_led_long_work_and_dies_after_it_is_not_waited_for(
    store: Store, error: Exception | None
) -> None:
    lock = store.keys("lock", "test")
    meanwhile: list[object] = []

    def act() -> int:
        meanwhile.append(store.client.pttl(lock))
        if error is not None:
            raise error
        return 0

    Rhythm("test", 1, store.fleet, "dies", act, lead_seconds=600).beat()
    (left,) = map(int, map(str, meanwhile))
    assert 500_000 < left <= 600_000
    assert 0 < int(str(store.client.pttl(lock))) <= 5_000


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("gone"), ValueError("a fault"), StorageUnavailable("away")]
)
def test_no_error_ends_it(store: Store, error: Exception) -> None:
    beats = Beats(error)
    beating = rhythm(store, beats)
    beating.start()
    beats.wait(4)
    beats.error = None
    beats.wait(6)
    beating.stop()


def test_a_storage_that_is_away_is_asked_less_and_less(store: Store) -> None:
    beats = Beats(StorageUnavailable("away"))
    beating = rhythm(store, beats)
    beating.start()
    beats.wait(6)
    beating.stop()
    pauses = [after - before for before, after in zip(beats.times, beats.times[1:], strict=False)]
    assert pauses[4] >= 0.02 * 2**5 * 0.5  # at the least, whatever else the machine does
