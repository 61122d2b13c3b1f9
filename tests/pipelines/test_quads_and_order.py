from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.geometry import bounding_boxes, fit_quad, mean_inside, order_corners, unclip
from pipelines.order import reading_order

UPRIGHT = np.array([[10, 20], [110, 20], [110, 50], [10, 50]], dtype=np.float32)


def _at(x: int, y: int) -> list[list[int]]:
    return [[x, y], [x + 40, y], [x + 40, y + 12], [x, y + 12]]


def _order(*corners: tuple[int, int]) -> list[int]:
    return reading_order(np.array([_at(*corner) for corner in corners], dtype=np.int16).reshape(-1, 4, 2))


def test_fitted_corners_start_top_left_and_run_clockwise() -> None:
    quad, short_side = fit_quad(UPRIGHT[::-1].astype(np.int32))
    assert quad == pytest.approx(UPRIGHT)
    assert short_side == pytest.approx(30)


@settings(max_examples=50, deadline=None)
@given(angle=st.floats(-40, 40), width=st.floats(60, 400), height=st.floats(12, 50), rolled=st.integers(0, 3))
def test_corners_of_a_turned_line_keep_their_roles(
    angle: float, width: float, height: float, rolled: int
) -> None:
    half = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = (half @ rotation + 500).astype(np.float32)
    assert order_corners(np.roll(corners, rolled, axis=0)) == pytest.approx(corners, abs=1e-3)


def test_unclip_moves_every_side_by_area_times_ratio_over_perimeter() -> None:
    grown = unclip(UPRIGHT, 1.3)
    assert grown is not None
    distance = 100 * 30 * 1.3 / 260  # 15
    assert grown.min(axis=0).tolist() == pytest.approx([10 - distance, 20 - distance], abs=1)
    assert grown.max(axis=0).tolist() == pytest.approx([110 + distance, 50 + distance], abs=1)


def test_unclip_by_nothing_leaves_the_region_as_it_is() -> None:
    outline = unclip(UPRIGHT, 0.0)
    assert outline is not None
    assert sorted(map(tuple, outline.tolist())) == sorted(map(tuple, UPRIGHT.astype(int).tolist()))


def test_mean_inside_counts_only_the_pixels_of_the_quad() -> None:
    probabilities = np.zeros((80, 120), dtype=np.float32)
    probabilities[20:51, 10:111] = 0.75
    assert mean_inside(probabilities, UPRIGHT) == pytest.approx(0.75)
    probabilities[20:51, 10:60] = 0.25
    assert mean_inside(probabilities, UPRIGHT) == pytest.approx(0.5, abs=0.01)


def test_mean_inside_stays_on_the_map() -> None:
    beyond = UPRIGHT + np.array([80, 40], dtype=np.float32)
    assert mean_inside(np.full((80, 120), 0.5, dtype=np.float32), beyond) == pytest.approx(0.5)


def test_boxes_enclose_their_quads_and_there_may_be_none() -> None:
    quads = np.array([[[5, 9], [50, 2], [52, 14], [7, 21]]], dtype=np.int16)
    assert bounding_boxes(quads).tolist() == [[5, 2, 52, 21]]
    assert bounding_boxes(np.zeros((0, 4, 2), dtype=np.int16)).shape == (0, 4)


def test_lines_are_listed_from_the_top() -> None:
    assert _order((0, 80), (0, 10), (0, 40)) == [1, 2, 0]


def test_lines_of_one_row_are_listed_from_the_left_though_the_right_one_is_higher() -> None:
    assert _order((200, 10), (0, 19)) == [1, 0]


def test_ten_pixels_make_another_row() -> None:
    assert _order((200, 10), (0, 20)) == [0, 1]


def test_a_line_passes_several_neighbours_of_its_row() -> None:
    assert _order((300, 10), (200, 12), (100, 14), (0, 16)) == [3, 2, 1, 0]


def test_no_lines_have_an_order_too() -> None:
    assert _order() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), max_size=20))
def test_order_lists_each_line_once_whatever_the_page(corners: list[tuple[int, int]]) -> None:
    assert sorted(_order(*corners)) == list(range(len(corners)))
