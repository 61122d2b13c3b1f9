"""With very many documents waiting, no script does more than with few: Redis serves nobody meanwhile."""

from __future__ import annotations

from typing import Any, cast

import pytest

from infra.status import Store
from infra.status.states import DocumentState, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, Commit, PageRange

MANY = 100_000
FIELDS = {"tenant": "default", "priority": "normal", "source": "s", "folder": "f"}
LINE = "test:line:default:normal"


@pytest.fixture
def crowded(store: Store) -> Store:
    """A store with many documents in line, and in flight."""
    others = [f"other-{number}" for number in range(MANY)]
    store.client.rpush(LINE, *others)
    store.client.hset("test:inflight:default", items=[part for one in others for part in (one, 1)])
    store.client.config_resetstat()
    return store


def calls(store: Store, command: str) -> int:
    """How often a command ran since the start of the test."""
    found = cast("dict[str, Any]", store.client.info("commandstats"))
    return int(found.get(f"cmdstat_{command}", {}).get("calls", 0))


def split(store: Store, document: str, pages: str = "p") -> DocumentState | None:
    store.status.open(document, FIELDS)
    step = split_step(document, 1)
    assert store.status.claim(step, "w#1#1")[0] is Claim.GO
    states = [PageState(one) for one in pages]
    return store.status.split_done(step, "w#1#1", pages=states, firsts=[1], reasons={}, fields={})


@pytest.mark.parametrize("pages", ["p", "d"])
def test_the_end_of_a_document_is_not_looked_for_in_the_line(crowded: Store, pages: str) -> None:
    """Neither that of one that was read, nor of one of which nothing was left to be read."""
    state = split(crowded, "a", pages)
    if state is DocumentState.PROCESSING:
        crowded.client.lrem(LINE, 0, "a")
        crowded.client.lpush(LINE, "a")  # its turn has come
        assert crowded.status.release({"": 1}) == [PageRange("a", 1, 1, 1)]
        assert crowded.status.commit_page("a", 1, 1, PageState.DONE) is Commit.LAST
    assert crowded.status.claim(finalize_step("a", 1), "w#1#2")[0] is Claim.GO
    crowded.client.config_resetstat()
    assert crowded.status.finish("a", 1, DocumentState.SUCCEEDED, None) is Commit.FIRST
    assert calls(crowded, "lrem") == 0
    assert crowded.client.lpos(LINE, "a") is None


def test_a_document_that_is_cancelled_in_line_leaves_it(crowded: Store) -> None:
    split(crowded, "a")
    assert crowded.status.cancel("a")[0] is Commit.FIRST
    assert crowded.client.lpos(LINE, "a") is None


def test_few_are_looked_for_in_a_long_line_and_whoever_is_lost_is_found_in_the_end(crowded: Store) -> None:
    for number in range(200):
        split(crowded, f"ours-{number}")
    crowded.client.lrem(LINE, 0, "ours-7")
    crowded.client.config_resetstat()
    crowded.status.stuck(0)
    assert calls(crowded, "lpos") <= 10
    crowded.client.ltrim(LINE, MANY, -1)
    crowded.client.lrem(LINE, 0, "ours-7")  # the few are drawn by lot: it may have been among them
    crowded.status.stuck(0)
    assert crowded.client.lpos(LINE, "ours-7") is not None


def test_what_has_ended_unnoticed_is_looked_for_among_some(crowded: Store) -> None:
    crowded.status.recount(["default"])
    assert calls(crowded, "hkeys") == 0
    assert calls(crowded, "hget") <= 500
