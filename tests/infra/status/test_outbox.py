"""The outbox: posted once, in order, leased, left alone, given up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.notify import NotifySettings
from infra.settings import QueueSettings
from infra.status import Outbox, Store, store_at
from infra.status.keys import KEYS
from infra.status.outbox import Delivery, Letter, Settled
from infra.status.states import DocumentState
from infra.status.work import Commit

FIELDS = {"tenant": "default", "priority": "normal", "source": "file:///in/a.pdf", "folder": "out/a.pdf/x"}
A, B = Letter("https://a.example/", '{"to": "a"}'), Letter("https://b.example/", '{"to": "b"}')


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return store.outbox


@pytest.fixture
def quick(store: Store, _status_server: str) -> Iterator[Outbox]:
    """The outbox of a fleet that tries again at once, gives up soon, and keeps two dead letters."""
    notify = NotifySettings(retry_seconds=1e-6, retry_limit_seconds=1e-6, keep_dead=2)
    other = store_at(_status_server, "test:", QueueSettings(), notify)
    yield other.outbox
    other.close()


def take(outbox: Outbox, limit: int = 10) -> list[tuple[str, int, str]]:
    return [(each.document, each.generation, each.target) for each in outbox.take(limit)]


def one(outbox: Outbox) -> Delivery:
    (delivery,) = outbox.take(10)
    return delivery


def over(store: Store, *names: str) -> None:
    """Have the time of letters come, as if leases and delays had run out."""
    for name in map(str, store.client.zrange("test:outbox", 0, -1)):
        if store.client.zscore("test:outbox", name) != float("inf"):
            store.client.zadd("test:outbox", {name: 0})
    for name in names:
        for key in store.client.scan_iter(f"test:trouble:{name}"):
            store.client.hset(key, "until", 0)


def test_the_end_of_a_document_posts_its_letters_once(store: Store) -> None:
    store.status.open("d", FIELDS)
    store.status.cancel("d")
    ends = [
        store.status.finish("d", 1, DocumentState.CANCELLED, None, letters=[A, B]),
        store.status.finish("d", 1, DocumentState.CANCELLED, None, letters=[A, B]),
    ]
    assert ends == [Commit.FIRST, Commit.REPEATED]
    assert store.outbox.owed([("d", 1), ("d", 2)]) == [2, None]
    assert sorted(take(store.outbox)) == [("d", 1, A.target), ("d", 1, B.target)]
    assert take(store.outbox) == []


def test_an_end_that_does_not_happen_posts_nothing(store: Store) -> None:
    assert store.status.finish("unknown", 1, DocumentState.FAILED, None, letters=[A]) is Commit.GONE
    assert take(store.outbox) == []


def test_an_end_that_is_adopted_counts_by_its_own_generation(store: Store) -> None:
    store.status.open("d", FIELDS)
    store.status.finish("d", 1, DocumentState.SUCCEEDED, None, adopted=3, letters=[A])
    assert take(store.outbox) == [("d", 3, A.target)]
    assert store.outbox.post("d", 3, [A]) == 1


def test_what_was_delivered_is_not_posted_again(outbox: Outbox) -> None:
    outbox.post("d", 1, [A, B])
    first, second = outbox.take(10)
    assert outbox.settle(first, Settled.DELIVERED) == (Settled.DELIVERED, 1)
    assert outbox.settle(second, Settled.DELIVERED) == (Settled.DELIVERED, 0)
    assert outbox.post("d", 1, [A, B]) == 0
    assert take(outbox) == []


def test_nothing_is_left_of_what_was_delivered(store: Store, outbox: Outbox) -> None:
    before = set(store.client.scan_iter("*"))
    outbox.post("d", 1, [A])
    outbox.settle(one(outbox), Settled.DELIVERED)
    left = {str(key) for key in store.client.scan_iter("*")} - before
    assert {key for key in left if not key.startswith("test:answer:")} == {"test:owed:d:1"}
    assert int(store.client.ttl("test:owed:d:1")) > 0  # type: ignore[arg-type]  # redis-py's types cover asyncio


def test_a_letter_in_hand_comes_back_when_its_lease_runs_out(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A])
    first = one(outbox)
    assert take(outbox) == []
    over(store)
    second = one(outbox)
    assert (second.name, second.tries) == (first.name, 2)
    assert outbox.settle(first, Settled.DELIVERED) == (Settled.LOST, -1)
    assert outbox.settle(second, Settled.DELIVERED) == (Settled.DELIVERED, 0)
    assert outbox.settle(second, Settled.DELIVERED) == (Settled.LOST, -1)


def test_generations_of_a_document_wait_for_each_other_per_target(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A, B])
    outbox.post("d", 2, [A, B])
    outbox.post("e", 1, [A])
    taken = outbox.take(10)
    assert sorted((each.document, each.generation) for each in taken) == [("d", 1), ("d", 1), ("e", 1)]
    to_a = next(each for each in taken if (each.document, each.target) == ("d", A.target))
    outbox.settle(to_a, Settled.AGAIN, "busy")
    assert take(outbox) == []
    over(store)
    again = next(each for each in outbox.take(10) if (each.document, each.target) == ("d", A.target))
    outbox.settle(again, Settled.DELIVERED)
    assert take(outbox) == [("d", 2, A.target)]
    waiting = [(each.generation, each.due) for each in outbox.pending(10) if each.target == B.target]
    assert (2, None) in waiting


def test_delays_double_up_to_the_longest(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A])
    delays = []
    for _ in range(15):
        over(store)
        outbox.settle(one(outbox), Settled.AGAIN, "busy")
        (letter,) = outbox.pending(1)
        seconds, _ = store.client.time()  # type: ignore[misc]  # as above
        delays.append((letter.due or 0) - seconds)
    assert all(5 * 2**n * 0.5 - 2 <= delay <= 5 * 2**n + 1 for n, delay in enumerate(delays[:9]))
    assert all(1798 <= delay <= 3601 for delay in delays[10:])
    assert (letter.tries, letter.reason) == (15, "busy")


def test_too_late_is_dead_and_lets_the_next_one_go(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A])
    outbox.post("d", 2, [A])
    first = one(outbox)
    store.client.hset(f"test:letter:{first.name}", "posted", 1)
    assert outbox.settle(first, Settled.AGAIN, "still busy") == (Settled.DEAD, 0)
    (dead,) = outbox.dead(10)
    assert (dead.document, dead.generation, dead.reason, dead.due) == ("d", 1, "still busy", None)
    assert dead.died is not None
    assert take(outbox) == [("d", 2, A.target)]


def test_only_so_many_dead_letters_are_kept(store: Store, quick: Outbox) -> None:
    for number in range(5):
        quick.post(f"d{number}", 1, [A])
        quick.settle(one(quick), Settled.DEAD, "gone")
    assert [each.document for each in quick.dead(10)] == ["d3", "d4"]
    assert len(list(store.client.scan_iter("test:letter:*"))) == 2


def test_dead_letters_are_delivered_after_all_when_asked_for(outbox: Outbox) -> None:
    for document in ("d", "e"):
        outbox.post(document, 1, [A])
        outbox.settle(one(outbox), Settled.DEAD, "gone")
    assert outbox.revive("nobody") == 0
    assert outbox.revive("d") == 1
    assert outbox.owed([("d", 1), ("e", 1)]) == [1, 0]
    delivery = one(outbox)
    assert (delivery.document, delivery.tries) == ("d", 1)
    assert outbox.settle(delivery, Settled.DELIVERED) == (Settled.DELIVERED, 0)
    assert outbox.revive() == 1
    assert take(outbox) == [("e", 1, A.target)]
    assert outbox.dead(10) == []


def test_of_a_target_that_is_away_one_letter_is_tried_for_all(store: Store, outbox: Outbox) -> None:
    for number in range(4):
        outbox.post(f"d{number}", 1, [A])
    outbox.post("other", 1, [B])
    for delivery in outbox.take(10):
        away = delivery.target == A.target
        outbox.settle(delivery, Settled.AGAIN if away else Settled.DELIVERED, "away", unreachable=away)
    (key,) = store.client.scan_iter("test:trouble:*")
    assert store.client.hget(key, "failures") == "1"  # they failed together
    over(store)
    assert take(outbox) == []  # the target is left alone
    over(store, "*")
    probe = one(outbox)
    over(store)
    assert take(outbox) == []  # one is on its way
    outbox.settle(probe, Settled.AGAIN, "away", unreachable=True)
    assert store.client.hget(key, "failures") == "2"
    over(store, "*")
    outbox.settle(one(outbox), Settled.DELIVERED)
    over(store)
    assert len(take(outbox)) == 3


def test_many_letters_to_a_target_that_is_away_hide_nobody_elses(store: Store, outbox: Outbox) -> None:
    for number in range(300):
        outbox.post(f"d{number}", 1, [A])
    (first,) = outbox.take(1)
    outbox.settle(first, Settled.AGAIN, "nobody there", unreachable=True)
    over(store)
    outbox.post("late", 1, [B])
    assert take(outbox, 2) == [("late", 1, B.target)]


def test_a_no_is_no_reason_to_leave_a_target_alone(store: Store, outbox: Outbox) -> None:
    for number in range(3):
        outbox.post(f"d{number}", 1, [A])
    for delivery in outbox.take(10):
        outbox.settle(delivery, Settled.AGAIN, "busy")
    over(store)
    assert len(take(outbox)) == 3


def test_one_message_is_sent_for_all_that_is_due(outbox: Outbox) -> None:
    assert not outbox.call()
    outbox.post("d", 1, [A])
    outbox.post("e", 1, [A])
    assert [outbox.call(), outbox.call()] == [True, False]
    outbox.take(1)
    assert [outbox.call(), outbox.call()] == [True, False]


def test_a_letter_that_was_lost_in_part_stops_nobody(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A, B])
    lost, _ = map(str, store.client.zrange("test:outbox", 0, -1))
    store.client.delete(f"test:letter:{lost}")
    assert len(take(outbox)) == 1
    assert len(outbox.pending(10)) == 1


def test_every_key_of_the_outbox_is_listed(store: Store, outbox: Outbox) -> None:
    outbox.post("d", 1, [A])
    outbox.settle(one(outbox), Settled.AGAIN, "away", unreachable=True)
    outbox.post("e", 1, [B])
    outbox.settle(one(outbox), Settled.DEAD, "gone")
    outbox.post("f", 1, [B])
    outbox.call()
    shapes = {
        "outbox": "outbox",
        "outbox:dead": "dead",
        "outbox:called": "called",
        "letter:": "letter",
        "owed:": "owed",
        "answer:": "answer",
        "trouble:": "trouble",
        "outbox:d:": "order",
        "outbox:f:": "order",
    }
    for key in map(str, store.client.scan_iter("*")):
        name = key.removeprefix("test:")
        listed = shapes.get(name) or next(
            kind for shape, kind in shapes.items() if shape.endswith(":") and name.startswith(shape)
        )
        assert KEYS[listed].type == store.client.type(key), key
