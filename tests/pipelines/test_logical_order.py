from __future__ import annotations

import pytest
from bidi.algorithm import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.logical import logical_order

SALAM, ALAM = "سلام", "عالم"


def _read(visual: str) -> str:
    return "".join(logical_order(visual)[1])


@pytest.mark.parametrize(
    "logical",
    [
        f"{SALAM} {ALAM}",
        f"{SALAM} 1996/12",
        f"{SALAM} ABC-12 {ALAM}",
        f"{SALAM} PDF",  # the leftmost letter is Latin; the line is not
        f"({SALAM}) {ALAM}: 45%",
        f"{SALAM} ١٢٣",
        f"The word {SALAM} means peace",
        "no letter of the other direction, at all!",
        "12:30",
        "",
    ],
)
def test_what_is_displayed_is_read_back(logical: str) -> None:
    base = "R" if sum("\u0600" <= c <= "\u06ff" for c in logical) > 4 else None
    assert _read(get_display(logical, base_dir=base)) == logical


def test_the_order_names_where_each_entry_stood() -> None:
    order, entries = logical_order(["A", " ", "(", "لا", ")"])
    assert order == [4, 3, 2, 1, 0]
    assert entries == ("(", "لا", ")", " ", "A")


def test_an_invisible_entry_keeps_its_place_between_its_neighbours() -> None:
    order, entries = logical_order(["س", "\u200d", "ل"])
    assert order == [2, 1, 0]
    assert entries == ("ل", "\u200d", "س")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"سلا A1.(-:\u0651\u200d\n", "ffi", "لا"]), max_size=12))
def test_every_entry_is_read_once(visual: list[str]) -> None:
    order, entries = logical_order(visual)
    assert sorted(order) == list(range(len(visual)))
    assert [entry in "()" or entry == visual[at] for at, entry in zip(order, entries, strict=True)].count(
        False
    ) == 0
