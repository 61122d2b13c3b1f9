"""New generations of a document, cancelling, documents that cannot be opened, and ends that Redis missed."""

from __future__ import annotations

import pytest

from infra.status import Pass, Store
from infra.status.states import MAX_ATTEMPTS, DocumentState, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, Commit, DocumentStep, PageRange

FIELDS = {"tenant": "default", "priority": "normal", "source": "s", "folder": "f"}
LANE = "default:normal"
ME, OTHER = "w1#10#1", "w2#20#1"


def split(store: Store, pages: str = "pppp", firsts: tuple[int, ...] = (1, 3), generation: int = 1) -> None:
    store.status.open("a", FIELDS, generation=generation)
    step = split_step("a", generation)
    assert store.status.claim(step, ME)[0] is Claim.GO
    states = [PageState(page) for page in pages]
    store.status.split_done(step, ME, pages=states, firsts=firsts, reasons={}, fields={})


def state(store: Store) -> DocumentState:
    found = store.listing.document("a")
    assert found is not None
    return found.state


def keys(store: Store) -> set[str]:
    return {str(key) for key in store.client.scan_iter("test:*")}


def test_a_new_generation_starts_over_and_fences_the_old_one_off(store: Store) -> None:
    split(store)
    first, second = store.status.release({"": 2})
    assert isinstance(first, PageRange)
    assert store.status.begin_range(first, ME) is Claim.GO
    assert store.status.begin_page(first, 1, ME)[0] is Claim.GO
    opened = store.status.open("a", FIELDS, generation=2)
    assert (opened.created, opened.state, opened.generation) == (True, DocumentState.RECEIVED, 2)
    assert store.status.commit_page("a", 1, 1, PageState.DONE) is Commit.GONE
    assert store.status.begin_page(first, 2, ME)[0] is Claim.GONE
    assert store.status.end_range(first, ME) is None
    assert store.status.begin_range(second, OTHER) is Claim.GONE  # type: ignore[arg-type]
    assert store.status.release({"": 9}) == []
    split(store, "ppp", (1,), generation=2)
    (again,) = store.status.release({"": 9})
    assert again == PageRange("a", 2, 1, 3)


def test_an_earlier_or_the_same_generation_changes_nothing(store: Store) -> None:
    split(store, generation=3)
    for generation in (1, 2, 3):
        opened = store.status.open("a", FIELDS, generation=generation)
        assert (opened.created, opened.state, opened.generation) == (False, DocumentState.PROCESSING, 3)


def test_a_terminal_document_lives_again_with_a_new_generation(store: Store) -> None:
    store.status.open("a", FIELDS, state=DocumentState.FAILED)
    assert store.client.ttl("test:doc:a") > 0
    store.status.open("a", FIELDS, generation=2)
    assert store.client.ttl("test:doc:a") == -1
    assert store.listing.active() == ["a"]
    found = store.listing.document("a")
    assert found is not None
    assert (found.finished, found.reason) == (None, None)


def test_pages_that_are_settled_already_are_not_released(store: Store) -> None:
    split(store, "dfpp")
    assert store.status.release({"": 9}) == [PageRange("a", 1, 3, 4)]
    found = store.listing.document("a")
    assert found is not None
    assert (found.done, found.failed) == (1, 1)
    for page in (3, 4):
        outcome = store.status.commit_page("a", 1, page, PageState.DONE)
    assert outcome is Commit.LAST


def test_nothing_left_to_read_is_finalized_at_once(store: Store) -> None:
    split(store, "dfdd")
    assert state(store) is DocumentState.FINALIZING


@pytest.mark.parametrize("before", ["received", "splitting", "processing"])
def test_a_manifest_that_was_there_counts_whatever_redis_thinks(store: Store, before: str) -> None:
    store.status.open("a", FIELDS)
    if before == "splitting":
        store.status.claim(split_step("a", 1), ME)
    if before == "processing":
        split(store)
        store.status.release({"": 1})
    outcome = store.status.finish("a", 1, DocumentState.SUCCEEDED, None, adopted=2)
    assert outcome is Commit.FIRST
    found = store.listing.document("a")
    assert found is not None
    assert (found.state, found.generation) == (DocumentState.SUCCEEDED, 2)
    assert store.listing.active() == []
    assert store.status.release({"": 9}) == []
    assert not {key for key in keys(store) if "released" in key or "line" in key or "lease" in key}


def test_a_cancelled_document_is_finalized_as_it_stands(store: Store) -> None:
    split(store)
    first, _ = store.status.release({"": 2})
    assert isinstance(first, PageRange)
    store.status.begin_range(first, ME)
    store.status.begin_page(first, 1, ME)
    store.status.commit_page("a", 1, 1, PageState.DONE)
    store.status.begin_page(first, 2, ME)
    assert store.status.cancel("a") == (Commit.FIRST, 1)
    assert state(store) is DocumentState.FINALIZING
    assert [page.value for page in store.listing.pages("a")] == ["d", "c", "c", "c"]
    assert store.status.commit_page("a", 1, 2, PageState.DONE) is Commit.GONE
    assert store.status.end_range(first, ME) is None
    assert store.status.release({"": 9}) == []
    assert store.status.cancel("a") == (Commit.REPEATED, 1)
    assert store.status.claim(finalize_step("a", 1), ME)[0] is Claim.GO
    assert store.status.finish("a", 1, DocumentState.CANCELLED, "told to") is Commit.FIRST
    assert store.status.cancel("a") == (Commit.REPEATED, 1)
    assert store.status.cancel("nobody")[0] is Commit.GONE


def test_a_document_may_be_cancelled_before_its_pages_are_counted(store: Store) -> None:
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), ME)
    assert store.status.cancel("a") == (Commit.FIRST, 1)
    found = store.status.split_done(
        split_step("a", 1), ME, pages=[PageState.PENDING], firsts=[1], reasons={}, fields={}
    )
    assert found is None
    long_ago = {"a": 1.0}
    store.client.zadd("test:docs:active", long_ago)
    assert store.status.stuck(60) == [finalize_step("a", 1)]


def test_a_range_whose_document_is_never_opened_is_exhausted(store: Store) -> None:
    split(store)
    first, second = store.status.release({"": 2})
    assert isinstance(first, PageRange)
    for _ in range(MAX_ATTEMPTS):
        assert store.status.begin_range(first, ME) is Claim.GO
        die(store)
        assert first in store.status.expire()
    assert store.status.begin_range(first, ME) is Claim.EXHAUSTED
    assert store.status.begin_range(second, OTHER) is Claim.GO  # type: ignore[arg-type]


def test_a_page_that_is_begun_shows_that_the_document_opens(store: Store) -> None:
    split(store)
    (first,) = store.status.release({"": 1})
    assert isinstance(first, PageRange)
    for _ in range(MAX_ATTEMPTS * 2):
        assert store.status.begin_range(first, ME) is Claim.GO
        assert store.status.begin_page(first, 1, ME)[0] is Claim.GO
        store.status.return_page(first, 1, ME, refund=True)
        die(store)
        store.status.expire()
    assert not [field for field in map(str, store.client.hkeys("test:doc:a")) if "openings" in field]


def test_an_error_at_opening_counts_and_a_storage_that_is_away_does_not(store: Store) -> None:
    split(store, firsts=(1,))
    (work,) = store.status.release({"": 1})
    assert isinstance(work, PageRange)
    for _ in range(MAX_ATTEMPTS * 2):
        assert store.status.begin_range(work, ME) is Claim.GO
        assert store.status.end_range(work, ME) == work
    for _ in range(MAX_ATTEMPTS):
        assert store.status.begin_range(work, ME) is Claim.GO
        assert store.status.end_range(work, ME, opened=False) == work
    assert store.status.begin_range(work, ME) is Claim.EXHAUSTED


def test_a_pass_is_kept_until_redis_forgets_it(store: Store) -> None:
    passes = store.passes
    assert passes.load() is None
    for state in (Pass("k", 0.0, "s"), Pass("", 1.5, "s"), Pass(None, 2.5, passes.server())):
        passes.save(state)
        assert passes.load() == state
    passes.forget()
    assert passes.load() is None
    assert passes.server()


def test_states_and_generations_are_asked_for_many_at_once(store: Store) -> None:
    split(store, generation=2)
    assert store.listing.generations(["nobody", "a"]) == {"a": (DocumentState.PROCESSING, 2)}
    assert store.listing.generations([]) == {}


def die(store: Store) -> None:
    for member in map(str, store.client.zrange("test:leases", 0, -1)):
        store.client.zadd("test:leases", {member: 0}, xx=True)


def test_steps_of_a_generation_that_is_over_are_gone(store: Store) -> None:
    store.status.open("a", FIELDS)
    old = split_step("a", 1)
    store.status.open("a", FIELDS, generation=2)
    assert store.status.claim(old, ME)[0] is Claim.GONE
    assert store.status.claim(DocumentStep("a", 2, old.step), ME)[0] is Claim.GO
