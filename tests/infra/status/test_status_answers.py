"""The answer of a script gets lost, and the client asks again: what was done is not done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from lossy import LossyWay, lossy_way

from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.status.states import DocumentState, PageState
from infra.status.status import finalize_step, owner_name, split_step
from infra.status.work import Claim, Commit, PageRange

FIELDS = {"tenant": "default", "priority": "normal", "source": "s", "folder": "f"}
OWNER = owner_name("w1", 10, 1)


@pytest.fixture
def way(store: Store, _status_server: str) -> Iterator[LossyWay]:
    with lossy_way(_status_server.removeprefix("unix://")) as made:
        yield made


@pytest.fixture
def far(way: LossyWay) -> Iterator[Store]:
    """The store, at the end of a way on which answers get lost."""
    far = store_at(way.url, "test:", QueueSettings(lease_seconds=600, heartbeat_seconds=100))
    yield far
    far.close()


def go_all_the_way(store: Store, document: str, lose: Callable[[], None]) -> None:
    """Have a document of two pages read; each answer is as if it were the only one."""
    status = store.status
    whole = PageRange(document, 1, 1, 2)
    lose()
    assert status.open(document, FIELDS).created
    lose()
    assert status.claim(split_step(document, 1), OWNER) == (Claim.GO, 1)
    states = [PageState.PENDING] * 2
    lose()
    done = status.split_done(split_step(document, 1), OWNER, pages=states, firsts=[1], reasons={}, fields={})
    assert done is DocumentState.PROCESSING
    lose()
    assert status.release({"": 5}) == [whole]
    lose()
    assert status.begin_range(whole, OWNER) is Claim.GO
    for page, outcome in ((1, Commit.FIRST), (2, Commit.LAST)):
        lose()
        assert status.begin_page(whole, page, OWNER) == (Claim.GO, 1)
        lose()
        assert status.park(whole, page, OWNER, 1)
        assert attempts(store, document, page) == 0
        lose()
        assert status.resume(whole, page, OWNER, 1)
        assert attempts(store, document, page) == 1
        lose()
        assert status.commit_page(document, 1, page, PageState.DONE) is outcome
    lose()
    assert status.end_range(whole, OWNER) is None
    lose()
    assert status.claim(finalize_step(document, 1), OWNER) == (Claim.GO, 1)
    lose()
    assert status.let_go(finalize_step(document, 1), OWNER, refund=True)
    assert store.client.hget(f"test:doc:{document}", "attempts:finalize") == "0"
    lose()
    assert status.finish(document, 1, DocumentState.SUCCEEDED, None) is Commit.FIRST


def attempts(store: Store, document: str, page: int) -> int:
    return int(str(store.client.get(f"test:doc:{document}:attempts"))[page - 1])


@pytest.mark.parametrize("losses", [1, 3])
def test_a_documents_way_is_the_same_whatever_answers_are_lost(
    store: Store, far: Store, way: LossyWay, losses: int
) -> None:
    go_all_the_way(store, "before", lambda: None)  # has the server know the scripts

    def lose() -> None:
        assert way.lost
        way.lose(losses)

    go_all_the_way(far, "a", lose)


def test_the_same_call_made_twice_is_two_calls(store: Store) -> None:
    store.status.open("a", FIELDS)
    assert store.status.claim(split_step("a", 1), OWNER) == (Claim.GO, 1)
    assert store.status.claim(split_step("a", 1), OWNER) == (Claim.HELD, 0)


def test_what_is_remembered_of_calls_is_bounded(store: Store) -> None:
    for _ in range(50):
        store.status.open("a", FIELDS)
    (kept,) = store.client.scan_iter("test:answer:*")
    assert 0 < int(str(store.client.ttl(str(kept)))) <= 3600
