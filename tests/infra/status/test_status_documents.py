from __future__ import annotations

import re

import pytest
import redis

from infra.errors import BrokerUnavailable, BrokerUnsuitable
from infra.settings import QueueSettings, Quota
from infra.status import Store, store_at
from infra.status.keys import KEYS
from infra.status.states import ACTIVE, MAX_ATTEMPTS, TERMINAL, TRANSITIONS, DocumentState, Mode, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, Commit, PageRange, Work

FIELDS = {"tenant": "default", "priority": "normal", "source": "file:///in/a.pdf", "folder": "out/a.pdf/x"}
LANE = "default:normal"
ME, OTHER = "w1#10#1", "w2#20#1"


def split(
    store: Store, pages: str = "pppppp", firsts: tuple[int, ...] = (1, 3, 5), document: str = "a"
) -> None:
    store.status.open(document, FIELDS)
    step = split_step(document, 1)
    assert store.status.claim(step, ME) == (Claim.GO, 1)
    store.status.split_done(
        step, ME, pages=[PageState(p) for p in pages], firsts=firsts, reasons={}, fields={"megapixels": "6"}
    )


def ranges(works: list[Work]) -> list[tuple[int, int, Mode]]:
    return [(work.first, work.last, work.mode) for work in works if isinstance(work, PageRange)]


def state(store: Store, document: str = "a") -> DocumentState:
    found = store.listing.document(document)
    assert found is not None
    return found.state


def test_a_document_is_opened_once(store: Store) -> None:
    assert store.status.open("a", FIELDS).created
    store.status.claim(split_step("a", 1), ME)
    again = store.status.open("a", {**FIELDS, "tenant": "other"})
    assert (again.created, again.state, again.generation) == (False, DocumentState.SPLITTING, 1)
    found = store.listing.document("a")
    assert found is not None
    assert found.tenant == "default"
    assert found.pages is None


def test_one_process_at_a_time_splits(store: Store) -> None:
    store.status.open("a", FIELDS)
    assert store.status.claim(split_step("a", 1), ME)[0] is Claim.GO
    assert store.status.claim(split_step("a", 1), OTHER)[0] is Claim.HELD
    assert store.status.let_go(split_step("a", 1), ME, refund=True)
    assert store.status.claim(split_step("a", 1), OTHER) == (Claim.GO, 1)


def test_a_step_of_another_generation_or_state_is_gone(store: Store) -> None:
    store.status.open("a", FIELDS)
    assert store.status.claim(split_step("a", 2), ME)[0] is Claim.GONE
    assert store.status.claim(finalize_step("a", 1), ME)[0] is Claim.GONE
    assert store.status.claim(split_step("nobody", 1), ME)[0] is Claim.GONE


def test_a_split_that_kills_its_process_three_times_is_exhausted(store: Store) -> None:
    store.status.open("a", FIELDS)
    step = split_step("a", 1)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert store.status.claim(step, ME) == (Claim.GO, attempt)
        let_run_out(store)
        assert store.status.expire() == [step]
    assert store.status.claim(step, ME) == (Claim.EXHAUSTED, MAX_ATTEMPTS + 1)
    assert store.status.finish("a", 1, DocumentState.FAILED, "three deaths") is Commit.FIRST


def test_who_lost_the_lease_cannot_record_a_split(store: Store) -> None:
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), ME)
    found = store.status.split_done(
        split_step("a", 1), OTHER, pages=[PageState.PENDING], firsts=[1], reasons={}, fields={}
    )
    assert found is None
    assert state(store) is DocumentState.SPLITTING


def test_a_document_whose_pages_all_failed_in_advance_is_finalized_at_once(store: Store) -> None:
    store.status.open("a", FIELDS)
    store.status.claim(split_step("a", 1), ME)
    found = store.status.split_done(
        split_step("a", 1),
        ME,
        pages=[PageState.FAILED] * 2,
        firsts=[1],
        reasons={1: "too large", 2: "too large"},
        fields={},
    )
    assert found is DocumentState.FINALIZING
    assert store.listing.reasons("a") == {1: "too large", 2: "too large"}
    assert store.status.release({"": 9}) == []


def test_the_window_bounds_what_is_out_and_a_range_that_ends_makes_room(store: Store) -> None:
    split(store)
    assert ranges(store.status.release({"": 2})) == [(1, 2, Mode.NORMAL), (3, 4, Mode.NORMAL)]
    assert store.status.release({"": 2}) == []
    first = PageRange("a", 1, 1, 2)
    assert store.status.begin_range(first, ME) is Claim.GO
    for page in (1, 2):
        store.status.begin_page(first, page, ME)
        store.status.commit_page("a", 1, page, PageState.DONE)
    assert store.status.end_range(first, ME) is None
    assert ranges(store.status.release({"": 2})) == [(5, 6, Mode.NORMAL)]


def test_a_lane_serves_its_documents_in_turn_and_is_forgotten_when_idle(store: Store) -> None:
    split(store, "p", (1,), "a")
    split(store, "p", (1,), "b")
    assert [work.document for work in store.status.release({"": 9})] == ["a", "b"]
    assert store.fleet.lanes() == [LANE]
    for document in "ab":
        whole = PageRange(document, 1, 1, 1)
        store.status.begin_range(whole, ME)
        store.status.begin_page(whole, 1, ME)
        assert store.status.commit_page(document, 1, 1, PageState.DONE) is Commit.LAST
        store.status.end_range(whole, ME)
    assert store.status.release({"": 9}) == []
    assert store.fleet.lanes() == []


def test_ranges_without_a_page_to_read_are_not_released(store: Store) -> None:
    split(store, "ffpp", (1, 3))
    assert ranges(store.status.release({"": 9})) == [(3, 4, Mode.NORMAL)]


def test_the_last_commit_and_only_it_claims_the_finalizing(store: Store) -> None:
    split(store, "pp", (1,))
    assert store.status.commit_page("a", 1, 1, PageState.FAILED, "torn") is Commit.FIRST
    assert store.status.commit_page("a", 1, 1, PageState.DONE) is Commit.REPEATED
    assert store.status.commit_page("a", 2, 2, PageState.DONE) is Commit.GONE
    assert store.status.commit_page("a", 1, 2, PageState.DONE) is Commit.LAST
    assert store.status.commit_page("a", 1, 2, PageState.DONE) is Commit.GONE
    found = store.listing.document("a")
    assert found is not None
    assert (found.state, found.done, found.failed) == (DocumentState.FINALIZING, 1, 1)
    assert store.listing.reasons("a") == {1: "torn"}


def test_a_finished_document_expires_and_leaves_nothing_else_behind(store: Store) -> None:
    split(store, "pp", (1,))
    for page in (1, 2):
        store.status.commit_page("a", 1, page, PageState.FAILED, "torn")
    store.status.claim(finalize_step("a", 1), ME)
    assert store.status.finish("a", 1, DocumentState.FAILED, "no page") is Commit.FIRST
    assert store.status.finish("a", 1, DocumentState.SUCCEEDED, None) is Commit.REPEATED
    found = store.listing.document("a")
    assert found is not None
    assert (found.state, found.reason, found.terminal) == (DocumentState.FAILED, "no page", True)
    left = {str(name): store.client.ttl(str(name)) for name in store.client.scan_iter("test:*")}
    forever = {name for name, seconds in left.items() if seconds == -1}
    assert forever <= {"test:docs:recent", "test:turns", "test:counters"}
    assert {name for name in left if left[name] > 0 and not name.startswith("test:answer:")} == {
        "test:doc:a",
        "test:doc:a:pages",
        "test:doc:a:reasons",
    }


def test_a_document_known_to_storage_comes_back_in_its_terminal_state(store: Store) -> None:
    opened = store.status.open("a", {**FIELDS, "pages": "3", "done": "3"}, state=DocumentState.SUCCEEDED)
    assert opened.created
    assert store.client.ttl("test:doc:a") > 0
    assert store.listing.active() == []
    assert [one.id for one in store.listing.recent()] == ["a"]


@pytest.mark.parametrize("start", sorted(ACTIVE))
@pytest.mark.parametrize("end", sorted(TERMINAL))
def test_only_transitions_of_the_table_are_made(
    store: Store, start: DocumentState, end: DocumentState
) -> None:
    store.status.open("a", FIELDS)
    store.client.hset("test:doc:a", "state", start)
    if end in TRANSITIONS[start]:
        assert store.status.finish("a", 1, end, None) is Commit.FIRST
    else:
        with pytest.raises(redis.ResponseError, match=f"{start} to {end} is not allowed"):
            store.status.finish("a", 1, end, None)
        assert state(store) is start


def test_the_list_of_recent_documents_is_bounded(store: Store) -> None:
    few = store_at(
        f"unix://{store.client.connection_pool.connection_kwargs['path']}",
        "test:",
        QueueSettings(keep_recent=3),
    )
    for number in range(5):
        few.status.open(f"d{number}", FIELDS)
    assert [one.id for one in few.listing.recent()] == ["d4", "d3", "d2"]
    few.close()


def test_every_key_is_of_a_kind_that_is_listed(store: Store) -> None:
    split(store)
    store.status.release({"": 1})
    store.status.begin_range(PageRange("a", 1, 1, 2), ME)
    store.status.begin_page(PageRange("a", 1, 1, 2), 1, ME)
    store.status.fault_page(PageRange("a", 1, 1, 2), 1, ME, "why")
    store.fleet.lead("sweep", "me", 5)
    store.fleet.delay({"task": "x"}, 1)
    for document in "bc":
        store.status.open(document, FIELDS)
        store.status.line_up(split_step(document, 1))
    store.status.release({}, quotas={"*": Quota(documents=1)})
    listed = {key.template.replace("%s", "*"): key.type for key in KEYS.values()}
    kinds = {name: store.client.type(name) for name in map(str, store.client.scan_iter("*"))}
    assert len(kinds) > 10
    for name, kind in kinds.items():
        shape = re.sub("^answer:.*", "answer:*", name.removeprefix("test:").replace("sweep", "*"))
        for varying in ("doc:a", "doc:b", "doc:c", f":{LANE}:split", f":{LANE}", ":default"):
            shape = shape.replace(varying, f"{varying.partition(':')[0]}:*")
        assert listed[shape] == kind, name


def test_a_server_that_evicts_is_refused(store: Store) -> None:
    store.check()
    store.client.config_set("maxmemory-policy", "volatile-lru")
    try:
        with pytest.raises(BrokerUnsuitable, match="maxmemory-policy volatile-lru"):
            store.check()
    finally:
        store.client.config_set("maxmemory-policy", "noeviction")


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: object) -> None:
    gone = store_at(f"unix://{tmp_path}/none.sock", "test:", QueueSettings())
    with pytest.raises(BrokerUnavailable, match="Redis does not answer"):
        gone.check()


def let_run_out(store: Store) -> None:
    for member in map(str, store.client.zrange("test:leases", 0, -1)):
        store.client.zadd("test:leases", {member: 0}, xx=True)
