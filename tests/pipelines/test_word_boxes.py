from __future__ import annotations

import numpy as np

from pipelines.decoding import ReadLine
from pipelines.words import word_boxes

QUAD = np.array([[100, 10], [500, 10], [500, 40], [100, 40]], dtype=np.int16)
TALL = np.array([[10, 100], [40, 100], [40, 500], [10, 500]], dtype=np.int16)


def _line(text: str, columns: list[int], steps: float = 40) -> ReadLine:
    return ReadLine(text, 0.9, tuple(columns), tuple(text), steps, (0.9,) * len(text), "")


def test_words_and_the_spaces_between_them_have_boxes_where_they_were_read() -> None:
    line = _line("ab c1", [2, 4, 6, 10, 12])
    words, boxes = word_boxes(line, QUAD)
    assert words == ["ab", " ", "c1"]
    assert boxes == [[120, 10, 150, 40], [160, 10, 170, 40], [200, 10, 230, 40]]


def test_a_decimal_point_and_a_hyphen_belong_to_their_word() -> None:
    text = "3.14 PP-OCR (x)."
    words, _ = word_boxes(_line(text, list(range(len(text)))), QUAD)
    assert words == ["3.14", " ", "PP-OCR", " (", "x", ")."]


def test_ideographs_stand_alone_as_wide_as_they_are_apart() -> None:
    words, boxes = word_boxes(_line("发票A", [4, 8, 14]), QUAD)
    assert words == ["发", "票", "A"]
    assert boxes == [[125, 10, 165, 40], [165, 10, 205, 40], [240, 10, 250, 40]]


def test_a_single_ideograph_takes_its_share_of_the_line() -> None:
    _, boxes = word_boxes(_line("票", [20]), QUAD)
    assert boxes == [[105, 10, 500, 40]]


def test_pieces_of_a_line_that_runs_down_lie_below_each_other() -> None:
    words, boxes = word_boxes(_line("ab c", [2, 4, 6, 10]), TALL)
    assert words == ["ab", " ", "c"]
    assert boxes == [[10, 120, 40, 150], [10, 160, 40, 170], [10, 200, 40, 210]]


def test_boxes_never_leave_the_line() -> None:
    _, boxes = word_boxes(_line("ab", [0, 45]), QUAD)
    assert boxes == [[100, 10, 500, 40]]


def test_an_entry_of_the_alphabet_may_be_several_characters() -> None:
    line = ReadLine(
        "\U0001f1e9\U0001f1ea a", 0.9, (2, 4, 6), ("\U0001f1e9\U0001f1ea", " ", "a"), 40, (0.9,) * 3, ""
    )
    words, boxes = word_boxes(line, QUAD)
    assert words == ["\U0001f1e9\U0001f1ea ", "a"]
    assert boxes == [[120, 10, 150, 40], [160, 10, 170, 40]]


def test_an_empty_line_has_no_words() -> None:
    assert word_boxes(_line("", []), QUAD) == ([], [])


def test_on_a_line_that_stands_on_its_head_the_first_word_is_at_the_right() -> None:
    line = _line("ab c1", [2, 4, 6, 10, 12])
    words, boxes = word_boxes(line, QUAD, turned=True)
    assert words == ["ab", " ", "c1"]
    assert boxes == [[450, 10, 480, 40], [430, 10, 440, 40], [370, 10, 400, 40]]


def test_a_line_read_from_the_right_has_its_boxes_too() -> None:
    line = ReadLine("سل A1", 0.9, (36, 30, 24, 10, 12), tuple("سل A1"), 40, (0.9,) * 5, "")
    words, boxes = word_boxes(line, QUAD)
    assert words == ["سل ", "A1"]
    assert boxes == [[340, 10, 470, 40], [200, 10, 230, 40]]
