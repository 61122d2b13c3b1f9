from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.columns import column_order
from pipelines.order import reading_order

HEIGHT, LEADING = 20, 26


def _line(left: float, top: float, width: float, height: float = HEIGHT) -> list[tuple[float, float]]:
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def _column(left: int, top: int, width: int, count: int) -> list[list[tuple[float, float]]]:
    """Lines of running text, the last one short."""
    widths = [width] * (count - 1) + [width * 0.6]
    return [_line(left, top + LEADING * number, each) for number, each in enumerate(widths)]


def _assert_read_in_order(lines: list[list[tuple[float, float]]], *, degrees: float = 0) -> None:
    """The lines are given in the order in which a person reads them, and shuffled for the program."""
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    quads = np.rint(np.array(lines) @ rotation + 300).astype(np.int16)
    shuffled = np.random.default_rng(5).permutation(len(lines))
    assert shuffled[column_order(quads[shuffled])].tolist() == list(range(len(lines)))


NEWSPAPER = [
    _line(200, 0, 500, 40),  # the title, then two columns
    *_column(50, 80, 380, 12),
    *_column(460, 93, 380, 10),
    _line(50, 430, 780),  # a heading across both, then two more
    *_column(50, 480, 380, 8),
    *_column(460, 480, 380, 8),
    _line(420, 760, 30),  # the page's number
]


@pytest.mark.parametrize("degrees", [0, 4, -7])
def test_columns_are_read_one_after_the_other_between_headings_across_them(degrees: float) -> None:
    _assert_read_in_order(NEWSPAPER, degrees=degrees)


def test_upstreams_order_reads_across_the_columns() -> None:
    quads = np.array(NEWSPAPER).astype(np.int16)
    assert reading_order(quads) != list(range(len(quads)))


def test_three_columns_on_one_grid_of_lines() -> None:
    _assert_read_in_order([line for left in (0, 250, 500) for line in _column(left, 0, 220, 15)])


def test_a_short_column_beside_a_long_one() -> None:
    _assert_read_in_order([*_column(0, 0, 300, 20), *_column(340, 11, 300, 4)])


def test_a_column_with_a_picture_beside_running_text() -> None:
    _assert_read_in_order(
        [*_column(0, 0, 300, 25), *_column(340, 13, 300, 5), *_column(340, 450, 300, 5)],
    )


def test_rows_of_a_receipt_stay_whole() -> None:
    lines = [_line(60, 0, 200)]
    for row in range(12):
        lines += [_line(0, 60 + LEADING * row, 90 + 17 * (row % 5)), _line(300, 62 + LEADING * row, 40)]
    _assert_read_in_order(lines)


def test_rows_of_a_receipt_stay_whole_though_the_items_are_as_long_as_text() -> None:
    lines = []
    for row in range(12):
        lines += [_line(0, LEADING * row, 220), _line(300, LEADING * row, 50)]
    _assert_read_in_order(lines)


def test_rows_of_a_table_of_phrases_stay_whole() -> None:
    lines = []
    for row in range(10):
        lines += [_line(0, 40 * row, 180 + 43 * (row % 4)), _line(400, 40 * row, 350 - 51 * (row % 3))]
    _assert_read_in_order(lines)


def test_a_table_in_a_column_is_read_by_rows() -> None:
    table = []
    for row in range(8):
        table += [_line(460 + 130 * cell, 31 * row, 70) for cell in range(3)]
    _assert_read_in_order([*_column(0, 0, 400, 25), *table, *_column(460, 290, 400, 14)])


def test_what_stands_in_the_margin_comes_last() -> None:
    _assert_read_in_order([*_column(100, 0, 400, 20), _line(20, 150, HEIGHT, 220)])


def test_numbers_before_the_lines_belong_to_their_rows() -> None:
    lines = []
    for row in range(10):
        lines += [_line(0, LEADING * row, 15), _line(60, LEADING * row, 400 if row < 9 else 150)]
    _assert_read_in_order(lines)


def test_right_to_left_the_right_column_comes_first_and_rows_begin_at_the_right() -> None:
    mirrored = [_line(900 - line[1][0], line[0][1], line[1][0] - line[0][0]) for line in NEWSPAPER]
    quads = np.rint(mirrored).astype(np.int16)
    order = column_order(quads, right_to_left=True)
    assert order == column_order(np.rint(NEWSPAPER).astype(np.int16))
    row = np.rint([_line(0, 0, 50), _line(100, 0, 50)]).astype(np.int16)
    assert column_order(row, right_to_left=True) == [1, 0]


def test_lines_that_run_downwards_are_read_from_the_right() -> None:
    page = [_line(600 - 30 * number, 50, HEIGHT, 500 if number < 15 else 200) for number in range(16)]
    _assert_read_in_order(page)


def test_two_stacks_of_lines_that_run_downwards_are_read_one_after_the_other() -> None:
    upper = [_line(600 - 30 * number, 50, HEIGHT, 300) for number in range(16)]
    lower = [_line(595 - 30 * number, 380, HEIGHT, 300) for number in range(16)]
    _assert_read_in_order([*upper, *lower])


def test_labels_on_a_slant_do_not_turn_the_page() -> None:
    label = np.array([(0, 0), (70, 70), (56, 84), (-14, 14)])
    slanted = [np.add(label, (40 * number, 300)).tolist() for number in range(9)]
    _assert_read_in_order([_line(0, 0, 400), _line(0, 40, 400), *slanted])


def test_a_page_without_lines_and_with_one() -> None:
    assert column_order(np.zeros((0, 4, 2), dtype=np.int16)) == []
    assert column_order(np.array([_line(0, 0, 0, 0)], dtype=np.int16)) == [0]


boxes = st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 400), st.integers(0, 60))


@settings(max_examples=100, deadline=None)
@given(st.lists(boxes, max_size=30), st.booleans())
def test_every_line_is_read_once_whatever_the_page(
    page: list[tuple[int, int, int, int]], right_to_left: bool
) -> None:
    quads = np.array([_line(*box) for box in page], dtype=np.int16).reshape(-1, 4, 2)
    assert sorted(column_order(quads, right_to_left=right_to_left)) == list(range(len(page)))


def _successions_kept(order: list[int]) -> float:
    return float(np.mean(np.diff(order) == 1))


@pytest.mark.parametrize(("page", "least"), [("omni_en_paper_chroma", 0.97), ("omni_zh_book_30", 0.9)])
def test_pages_of_two_columns_are_read_as_their_makers_did(dev_data: Path, page: str, least: float) -> None:
    truth = json.loads((dev_data / "truth" / f"{page}.json").read_text(encoding="utf-8"))
    lines = [line["poly"] for line in truth["lines"] if line["level"] == "line"]
    quads = np.rint(lines).astype(np.int16)
    assert _successions_kept(column_order(quads)) >= least
    assert _successions_kept(reading_order(quads)) < 0.5
