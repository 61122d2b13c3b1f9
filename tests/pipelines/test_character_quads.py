from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from real_lines import drawn_line, real_recognizer

from pipelines.characters import character_quads, character_spans
from pipelines.crops import crop_line
from pipelines.decoding import ReadLine
from pipelines.recognition import TextRecognizer

LEVEL = np.array([[100, 50], [500, 50], [500, 90], [100, 90]])


def _line(text: str, columns: list[int], steps: float) -> ReadLine:
    return ReadLine(text, 0.9, tuple(columns), tuple(text), steps, (0.9,) * len(text), "")


FOUR = _line("中国文字", [2, 7, 12, 17], 20)


def _quads(line: ReadLine, corners: np.ndarray, *, turned: bool = False) -> np.ndarray:
    return character_quads(line, np.rint(corners).astype(np.int16), turned=turned)


def _turned(corners: np.ndarray, degrees: float) -> np.ndarray:
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray((corners - 300) @ rotation + 300)


def _middles(quads: np.ndarray) -> np.ndarray:
    return np.asarray(quads.mean(axis=1))


def test_characters_of_one_width_share_the_line() -> None:
    quads = _quads(FOUR, LEVEL)
    assert quads.shape == (4, 4, 2)
    assert quads.dtype == np.float32
    for number, quad in enumerate(quads):
        left, right = 100 + 100 * number, 200 + 100 * number
        assert quad == pytest.approx(np.array([[left, 50], [right, 50], [right, 90], [left, 90]]), abs=1.5)


@pytest.mark.parametrize("degrees", [-25, -4, 3, 12, 30])
def test_they_follow_the_lines_skew(degrees: float) -> None:
    skewed = _quads(FOUR, _turned(LEVEL, degrees))
    assert skewed == pytest.approx(_turned(_quads(FOUR, LEVEL), degrees), abs=2.5)


def test_on_a_line_that_stands_on_its_head_they_begin_at_the_right() -> None:
    quads = _quads(FOUR, LEVEL, turned=True)
    assert _middles(quads) == pytest.approx(np.array([[450, 70], [350, 70], [250, 70], [150, 70]]), abs=1.5)
    assert quads[0, 0] == pytest.approx([500, 90], abs=1.5)  # where its first character begins, above


def test_in_a_line_that_runs_downwards_they_begin_at_the_top() -> None:
    tall = np.array([[50, 100], [90, 100], [90, 500], [50, 500]])
    quads = _quads(FOUR, tall)
    assert _middles(quads) == pytest.approx(np.array([[70, 150], [70, 250], [70, 350], [70, 450]]), abs=1.5)
    assert quads[0, 0] == pytest.approx([90, 100], abs=1.5)
    assert _middles(_quads(FOUR, tall, turned=True))[0] == pytest.approx([70, 450], abs=1.5)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("degrees", [0, 8, 90, 85, 170])
def test_the_first_corner_is_where_the_crop_begins(degrees: float, turned: bool) -> None:
    """Marks the first character's quad on a page, and looks for the mark in the crop that is read."""
    corners = np.rint(_turned(LEVEL, degrees)).astype(np.int16)
    page = np.zeros((700, 700, 3), dtype=np.uint8)
    first = character_quads(FOUR, corners, turned=turned)[0]
    cv2.fillPoly(page, [np.rint(first).astype(np.int32)], (255, 255, 255))
    crop = crop_line(page, corners)
    crop = crop[::-1, ::-1] if turned else crop
    bright = crop.mean(axis=(0, 2)) > 128
    share = len(bright) / 4
    assert abs(int(bright.sum()) - share) < 5
    assert bright[: int(share) - 3].all()


def test_narrow_letters_are_narrow_and_wide_ones_wide() -> None:
    spans = character_spans(_line("imi", [2, 4, 6], 10))
    widths = spans[:, 1] - spans[:, 0]
    assert widths[1] > 2 * widths[0]


def test_the_middle_of_the_line_is_the_middle_of_its_text() -> None:
    """Networks that see characters early or late give the same quads."""
    early, late = (
        character_spans(_line("中国文字", [c + by for c in (2, 7, 12, 17)], 20.5)) for by in (0, 1)
    )
    assert early[0, 0] == pytest.approx(0, abs=0.04)
    assert np.abs(early - late).max() < 0.03


def test_characters_read_from_the_right_have_their_places_in_reading_order() -> None:
    spans = character_spans(ReadLine("سلم", 0.9, (15, 9, 3), tuple("سلم"), 18, (0.9,) * 3, ""))
    assert spans[0, 1] > spans[1, 1] > spans[2, 1]
    assert spans[1, 1] == pytest.approx(spans[0, 0])


def test_a_line_without_characters_and_one_with_a_single_one() -> None:
    assert _quads(_line("", [], 20), LEVEL).shape == (0, 4, 2)
    (span,) = character_spans(_line("A", [9], 20))
    assert 0 < span[0] < 9.5 / 20 < span[1] < 1


columns = st.lists(st.integers(0, 79), min_size=1, max_size=40, unique=True).map(sorted)


@settings(max_examples=200, deadline=None)
@given(columns, st.text("il mWé中。\u0301", min_size=40, max_size=40), st.floats(0.5, 80))
def test_no_character_leaves_the_line_or_stands_before_the_one_left_of_it(
    at: list[int], text: str, steps: float
) -> None:
    spans = character_spans(_line(text[: len(at)], at, steps))
    assert ((spans >= 0) & (spans <= 1)).all()
    assert (spans[:, 0] <= spans[:, 1] + 1e-9).all()
    assert spans[1:, 0] == pytest.approx(spans[:-1, 1])


@pytest.fixture(scope="module")
def recognizer() -> TextRecognizer:
    return real_recognizer("PP-OCRv6_small_rec")


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("The quick brown fox jumps over it", 0.7),
        ("Invoice No. 20451-B of 14 March", 0.7),
        ("人工智能技术的发展与应用", 0.88),
        ("報告期末普通股股東總數", 0.88),
    ],
)
def test_characters_of_drawn_lines_are_found_where_they_were_drawn(
    text: str, least: float, recognizer: TextRecognizer
) -> None:
    picture, true = drawn_line(text)
    (line,) = recognizer.read([picture])
    assert line.text == text
    found = character_spans(line)
    shared = np.minimum(found[:, 1], true[:, 1]) - np.maximum(found[:, 0], true[:, 0])
    together = np.maximum(found[:, 1], true[:, 1]) - np.minimum(found[:, 0], true[:, 0])
    letters = [character != " " for character in text]
    assert (np.maximum(shared, 0) / together)[letters].mean() >= least
