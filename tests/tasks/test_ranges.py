from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.queues import queue_for, queues_of
from tasks.ranges import page_cost, plan_ranges


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=200),
    st.floats(0.5, 50),
    st.integers(1, 20),
)
def test_ranges_cover_every_page_once_and_keep_both_limits(
    sizes: list[float], megapixels: float, pages: int
) -> None:
    firsts = plan_ranges(sizes, most_megapixels=megapixels, most_pages=pages)
    assert firsts[0] == 1
    assert firsts == sorted(set(firsts))
    for first, following in zip(firsts, [*firsts[1:], len(sizes) + 1], strict=True):
        cut = [page_cost(size) for size in sizes[first - 1 : following - 1]]
        assert 1 <= len(cut) <= pages
        assert len(cut) == 1 or sum(cut) <= megapixels + 1e-6


def test_ranges_are_no_smaller_than_they_must_be() -> None:
    assert plan_ranges([2.0] * 9, most_megapixels=8, most_pages=64) == [1, 5, 9]
    assert plan_ranges([0.0] * 9, most_megapixels=100, most_pages=4) == [1, 5, 9]
    assert plan_ranges([50.0, 1.0, 1.0], most_megapixels=8, most_pages=4) == [1, 2]
    assert plan_ranges([], most_megapixels=8, most_pages=4) == []


def test_names_of_queues() -> None:
    assert queue_for("gpu", "high") == "ocr.gpu.high"
    assert queues_of("cpu") == ["ocr.cpu.high", "ocr.cpu", "ocr.cpu.bulk"]
    assert queues_of("control") == ["control"]
