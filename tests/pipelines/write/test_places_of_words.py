"""Where lines and words stand on the page that the source shows."""

from __future__ import annotations

import numpy as np
import pytest
from sheets import line, sheet, with_characters

from pipelines.transform import PageTransform
from pipelines.write import Page
from pipelines.write.places import as_array, boxes_of

ENGLISH = "ab cd"
HEBREW = "שלום 12 abc"


def boxes(content: dict[str, object], index: int = 0) -> dict[str, tuple[int, int, int, int]]:
    placed = Page(1, content).placed[index]
    return {word.text: box for word, box in placed.words}


def test_words_take_the_places_of_their_characters() -> None:
    content = sheet((ENGLISH, (100, 50, 160, 70)))
    content = with_characters(content, [[(100 + 12 * at, 50, 110 + 12 * at, 70) for at in range(5)]])
    assert boxes(content) == {"ab": (100, 50, 122, 70), "cd": (136, 50, 158, 70)}
    assert [word.score for word in Page(1, content).lines[0].words] == [0.9, 0.9]


def test_without_characters_words_share_the_line_by_usual_widths() -> None:
    found = boxes(sheet(("iiii mmmm", (0, 0, 400, 20))))
    assert found["iiii"][0] == 0
    assert found["mmmm"][2] == 400
    assert found["mmmm"][2] - found["mmmm"][0] > 2 * (found["iiii"][2] - found["iiii"][0])


def test_words_of_a_line_from_right_to_left_begin_at_the_right() -> None:
    found = boxes(sheet((HEBREW, (0, 0, 400, 20))))
    assert list(found) == ["שלום", "12", "abc"]  # as they are read
    assert found["שלום"][2] == 400
    assert found["abc"][0] == 0
    assert found["12"][0] > found["abc"][2] - 1
    assert found["12"][2] < found["שלום"][0] + 1


def test_characters_from_right_to_left_make_one_box_a_word() -> None:
    content = sheet(("שלום", (0, 0, 100, 20)))
    right_first = [(75, 0, 100, 20), (50, 0, 75, 20), (25, 0, 50, 20), (0, 0, 25, 20)]
    assert boxes(with_characters(content, [right_first])) == {"שלום": (0, 0, 100, 20)}


@pytest.mark.parametrize(
    ("angle", "box", "turn"),
    [
        (0, (100, 40, 300, 60), 0),
        (90, (740, 100, 760, 300), -90),
        (180, (300, 740, 500, 760), -180),
        (270, (40, 500, 60, 700), 90),
    ],
)
def test_a_page_that_was_turned_has_its_words_where_the_source_shows_them(
    angle: int, box: tuple[int, ...], turn: int
) -> None:
    # The line stands at 100, 40 once its page is turned counter-clockwise by `angle`.
    size = (600, 800) if angle == 180 else (800, 800)
    content = sheet(("word", (100, 40, 300, 60)), width=size[0], height=size[1])
    content["page"]["transform"] = PageTransform(angle, size).describe()
    (placed,) = Page(1, content).placed.values()
    assert placed.box == box
    assert placed.turn == pytest.approx(turn)


def test_a_page_that_was_flattened_is_bent_back() -> None:
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 3), np.linspace(-0.5, 0.5, 3))).astype(np.float32)
    content = sheet(("word", (0, 0, 401, 401)), width=401, height=401)
    content["page"]["transform"] = PageTransform(0, (401, 401), grid).describe()
    (placed,) = Page(1, content).placed.values()
    assert placed.box == pytest.approx((100, 100, 301, 301), abs=1)


def test_a_line_that_runs_down_begins_above() -> None:
    across, column = line("wide", 0), ("縦書き", (500, 100, 530, 400))
    page = Page(1, sheet(across, column, ("sideways", (600, 100, 630, 400))))
    assert [one.runs for one in page.lines] == ["right", "down", "down"]
    assert [one.is_vertical for one in page.lines] == [False, True, False]
    assert page.lines[1].corners[0] == (530, 100)
    assert [round(page.placed[at].turn) for at in range(3)] == [0, 0, -90]


def test_a_line_that_was_read_on_its_head_begins_below() -> None:
    content = sheet(("upside down", (100, 100, 300, 120)), textline_orientation_angles=[1])
    page = Page(1, content)
    assert page.lines[0].corners[0] == (300, 120)
    assert abs(page.placed[0].turn) == 180


def test_angles_belong_to_lines_though_some_were_dropped() -> None:
    content = sheet(("kept", (100, 100, 300, 120)), textline_orientation_angles=[0, 1])
    content["dt_polys"] = [[[0, 0], [9, 0], [9, 5], [0, 5]], content["rec_polys"][0]]
    assert Page(1, content).lines[0].runs == "left"


def test_boxes_hold_all_of_a_quad_that_is_on_the_page() -> None:
    places = Page(1, sheet(width=100, height=8)).places
    assert boxes_of(as_array([((0.9, 5.2), (9.1, 4.7), (9.5, 8.1), (1.2, 7.6))]), places) == [(0, 4, 10, 8)]
    assert boxes_of(as_array([((-3, -2), (9, -2), (9, 12), (-3, 12))]), places) == [(0, 0, 9, 8)]


def test_a_page_that_was_not_read_has_no_lines() -> None:
    page = Page(7, {"state": "failed", "reason": "torn", "rec_texts": ["stray"]})
    assert (page.lines, page.texts, page.blocks) == ((), [], [])
    assert page.notice == "[Page 7 could not be read: torn]"
