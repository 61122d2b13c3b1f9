from __future__ import annotations

import pytest

from worker.cli.view import DocumentView, most_telling, totals


def doc(name: str = "a.pdf", state: str = "processing", **more: object) -> DocumentView:
    return DocumentView(name=name, id=f"id-{name}", state=state, **more)  # type: ignore[arg-type]  # plain words


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (doc(), ""),
        (doc(pages=12, done=7), "7/12"),
        (doc(pages=12, done=6, failed=1), "7/12 (1 failed)"),
        (doc(pages=12, done=12), "12"),
        (doc(pages=2, failed=2), "2 (2 failed)"),
        (doc(pages=3), "0/3"),
    ],
)
def test_pages_in_words(view: DocumentView, words: str) -> None:
    assert view.page_count() == words


def test_totals_while_work_goes_on() -> None:
    views = [doc(pages=5, done=3), doc("b", "succeeded", pages=1, done=1), doc("c", "rejected")]
    assert totals(views) == "2 of 3 documents: 1 succeeded, 1 rejected; 4 pages read"


def test_totals_at_the_end_and_in_the_singular() -> None:
    assert totals([doc(state="succeeded", pages=1, done=1)]) == "1 document: 1 succeeded; 1 page read"
    assert totals([doc(state="partial", pages=3, done=2, failed=1)]) == (
        "1 document: 1 partial; 2 pages read, 1 failed"
    )


def test_totals_of_nothing_yet() -> None:
    assert totals([doc(state="waiting"), doc(state="waiting")]) == "0 of 2 documents; 0 pages read"


def test_work_in_hand_is_shown_first_then_the_latest_endings() -> None:
    ended = [doc(f"ended-{number}", "succeeded", pages=1, done=1) for number in range(4)]
    waiting = [doc(f"waiting-{number}", "waiting") for number in range(4)]
    working = doc("working", pages=9, done=1)
    chosen = most_telling([*ended, working, *waiting], room=3)
    assert [view.name for view in chosen] == ["ended-2", "ended-3", "working"]


def test_with_room_for_all_the_order_stays() -> None:
    views = [doc("b", "waiting"), doc("a"), doc("c", "failed")]
    assert most_telling(views, room=10) == views


@pytest.mark.parametrize("state", ["succeeded", "partial", "failed", "cancelled", "rejected", "superseded"])
def test_states_that_are_over(state: str) -> None:
    assert doc(state=state).over


@pytest.mark.parametrize("state", ["waiting", "received", "splitting", "processing", "finalizing"])
def test_states_that_are_not(state: str) -> None:
    assert not doc(state=state).over
