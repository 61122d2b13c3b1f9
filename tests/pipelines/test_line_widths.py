from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.widths import BUCKETS, WIDEST, Canvas, WidthMode, canvas_for, plan_batches, share_out


def _canvas(width: int, height: int, mode: WidthMode) -> Canvas:
    return canvas_for(width, height, height=48, least=320, mode=mode)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (100, 48, Canvas(100, 320)),
        (101, 30, Canvas(162, 320)),  # ceil(161.6)
        (1000, 48, Canvas(1000, 1000)),
        (700, 33, Canvas(1018, 1018)),  # floor(1018.18), where the content would take one more
        (9000, 40, Canvas(WIDEST, WIDEST)),  # squeezed
    ],
)
def test_exact_canvases_are_upstreams_for_a_batch_of_one(width: int, height: int, expected: Canvas) -> None:
    assert _canvas(width, height, "exact") == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (20, Canvas(20, 160)),
        (96, Canvas(96, 160)),
        (97, Canvas(97, 161)),
        (255, Canvas(255, 319)),
        (300, Canvas(300, 320)),
        (1000, Canvas(1000, 1000)),
    ],
)
def test_close_canvases_leave_short_lines_a_margin(width: int, expected: Canvas) -> None:
    assert _canvas(width, 48, "close") == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (96, Canvas(96, 160)),
        (97, Canvas(97, 192)),  # 64 pixels of margin at least
        (256, Canvas(256, 320)),
        (257, Canvas(257, 320)),
        (320, Canvas(320, 320)),
        (321, Canvas(352, 352)),  # stretched
        (950, Canvas(960, 960)),
        (961, Canvas(961, 1024)),  # padded
        (3150, Canvas(3150, WIDEST)),
        (90_000, Canvas(WIDEST, WIDEST)),
    ],
)
def test_bucketed_canvases_stretch_short_lines_and_pad_long_ones(width: int, expected: Canvas) -> None:
    assert _canvas(width, 48, "bucket") == expected


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 30_000),
    height=st.integers(1, 3000),
    mode=st.sampled_from(["bucket", "close", "exact"]),
)
def test_content_always_fits_its_canvas(width: int, height: int, mode: WidthMode) -> None:
    canvas = _canvas(width, height, mode)
    assert 1 <= canvas.content <= canvas.width <= WIDEST
    assert mode != "bucket" or canvas.width in BUCKETS


canvases = st.lists(st.sampled_from(BUCKETS).map(lambda width: Canvas(width, width)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(canvases, st.integers(1, 16))
def test_batches_hold_every_line_once_share_a_width_and_come_in_few_sizes(
    lines: list[Canvas], largest: int
) -> None:
    batches = plan_batches(lines, largest)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lines)))
    for batch in batches:
        assert len({lines[index].width for index in batch}) == 1
        assert len(batch) in {1, 2, 4, 8}
        assert len(batch) <= largest
        assert len(batch) == 1 or len(batch) * lines[batch[0]].width <= 2560


def test_full_batches_come_before_the_rest() -> None:
    batches = plan_batches([Canvas(100, 320)] * 15, 8)
    assert [len(batch) for batch in batches] == [8, 4, 2, 1]


@settings(max_examples=200, deadline=None)
@given(canvases, st.integers(1, 8))
def test_runs_hold_every_batch_once_and_keep_neighbours_together(lines: list[Canvas], workers: int) -> None:
    batches = plan_batches(lines, 1)
    runs = share_out(batches, lines, workers)
    assert list(chain.from_iterable(runs)) == batches
    assert all(runs)
    assert workers > 1 or len(runs) <= 1


def test_each_run_is_a_share_of_what_is_left() -> None:
    lines = [Canvas(width, width) for width in BUCKETS for _ in range(4)]
    runs = share_out(plan_batches(lines, 1), lines, 2)
    costs = [sum(lines[batch[0]].width + 64 for batch in run) for run in runs]
    for number, cost in enumerate(costs):
        share = sum(costs[number:]) / 2
        assert share <= cost <= share + WIDEST + 64
    assert len(runs[-1]) == 1
    met = [{lines[batch[0]].width for batch in run} for run in runs]
    assert sum(map(len, met)) <= len(BUCKETS) + len(runs) - 1
