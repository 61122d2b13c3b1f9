"""From characters in their places to lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipelines.characters import character_quads
from pipelines.read.layer import TextLayer
from pipelines.textlayer.glyphs import Glyphs, glyphs_of
from pipelines.textlayer.groups import lines_among
from pipelines.textlayer.lines import LayerLine, line_of
from pipelines.words import word_boxes

SIZE = (600, 400)
Placed = Sequence[tuple[str, float, float]]
"""Characters and their upper left corners; each is 10 wide and 20 high."""


def _row(text: str, x: float = 100, y: float = 100) -> list[tuple[str, float, float]]:
    return [(character, x + 10 * at, y) for at, character in enumerate(text)]


def _layer(placed: Placed, fonts: Sequence[int] | None = None) -> TextLayer:
    corners = np.array([(0, 0), (10, 0), (10, 20), (0, 20)], dtype=np.float32)
    places = np.array([(x, y) for _, x, y in placed], dtype=np.float32)
    return TextLayer(
        np.array([ord(character) for character, _, _ in placed], dtype=np.uint32),
        places[:, np.newaxis] + corners,
        np.array(fonts or [0] * len(placed), dtype=np.int32),
        np.ones(len(placed), dtype=np.bool_),
        np.zeros((0, 4), dtype=np.float32),
    )


def _glyphs(placed: Placed) -> Glyphs:
    return glyphs_of(_layer(placed), SIZE)


def _around(glyphs: Glyphs) -> np.ndarray:
    (left, top), (right, bottom) = glyphs.quads.min(axis=(0, 1)), glyphs.quads.max(axis=(0, 1))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.array(corners, dtype=np.int16)


def _line(placed: Placed) -> LayerLine:
    glyphs = _glyphs(placed)
    return line_of(glyphs, _around(glyphs), turn=True)


def _text(placed: Placed) -> str:
    return _line(placed).line.text


def test_a_line_is_what_stands_on_it_with_its_spaces() -> None:
    assert _text(_row("To be, or not")) == "To be, or not"
    assert _text(_row("a\u00a0b\u3000c")) == "a b c"


def test_words_are_put_in_order_along_the_line() -> None:
    assert _text(_row("world", x=170) + _row("hello")) == "hello world"


def test_a_space_where_nothing_is_free_is_none() -> None:
    touching = [("a", 100.0, 100.0), (" ", 110.0, 100.0), ("b", 110.0, 100.0)]
    assert _text(touching) == "ab"


def test_ideographs_have_no_spaces_between_them() -> None:
    assert _text([("日", 100, 100), (" ", 110, 100), ("本", 114, 100)]) == "日本"
    assert _text([("日", 100, 100), (" ", 110, 100), ("A", 114, 100)]) == "日 A"


def test_rows_of_one_box_follow_each_other() -> None:
    assert _text(_row("below", y=130) + _row("above")) == "above below"


def test_ligatures_and_forms_of_letters_are_taken_apart() -> None:
    assert _text(_row("\ufb01\ufb02")) == "fifl"
    assert _text(_row("co\u00ad")) == "co-"
    assert _text(_row("a\u200bb\ufeff")) == "ab"


def test_the_letters_of_one_glyph_share_its_place() -> None:
    line = _line([("f", 100, 100), ("i", 100, 100), ("n", 110, 100)]).line
    assert line.text == "fin"
    assert line.spans is not None
    assert np.allclose(line.spans, [(0, 0.25), (0.25, 0.5), (0.5, 1)])


def test_a_mark_belongs_to_the_letter_before_it() -> None:
    line = _line([("u", 100, 100), ("\u0308", 100, 100), ("x", 110, 100)]).line
    assert line.characters == ("\u00fc", "x")


def test_an_accent_over_a_letter_belongs_to_it() -> None:
    assert _text([("\u00a8", 100, 99), ("u", 100, 100), ("b", 110, 100)]) == "\u00fcb"
    assert _text([("\u03b3", 100, 100), ("\u02dc", 103, 99), ("0", 110, 100)]) == "\u03b3\u03030"
    assert _text(_row("a\u00a8b")) == "a\u00a8b"


def test_bold_type_struck_twice_is_read_once() -> None:
    assert _text(_row("bold") + _row("bold", x=101)) == "bold"
    assert _text(_row("ll")) == "ll"
    assert _text([("l", 100, 100), ("l", 104, 100)]) == "ll"


def test_what_stands_off_the_page_or_leaves_no_mark_is_not_there() -> None:
    assert _glyphs(_row("gone", x=-60)).texts == ()
    layer = _layer(_row("ab"))
    layer.painted[1] = False
    assert glyphs_of(layer, SIZE).texts == ("a",)
    assert glyphs_of(layer, SIZE, unpainted=True).texts == ("a", "b")


@pytest.mark.parametrize("character", ["\ue000", "\ufffd", "\x03", "\U000f0000", "\x00"])
def test_codes_that_say_nothing_are_not_believed(character: str) -> None:
    assert _glyphs(_row("a" + character)).meant.tolist() == [True, False]


def test_what_runs_from_the_right_is_read_from_the_right() -> None:
    # Seen from the left: "R" and two Hebrew words, each stored as PDFium gives it, in reading order.
    placed = [
        ("\u05e9", 190, 100),
        ("\u05dc", 180, 100),
        (" ", 170, 100),
        ("\u05d0", 160, 100),
        ("\u05d1", 150, 100),
        (" ", 140, 100),
        ("R", 130, 100),
    ]
    line = _line(placed).line
    assert line.text == "\u05e9\u05dc \u05d0\u05d1 R"
    assert line.spans is not None
    starts = [start for start, _ in line.spans]
    assert starts == sorted(starts, reverse=True)


def test_an_arabic_ligature_is_read_in_its_order() -> None:
    # PDFium gives the letters of a ligature in one place, turned round: alef before lam.
    placed = [("\u0627", 100, 100), ("\u0644", 100, 100)]
    assert _text(placed) == "\u0644\u0627"


def test_letters_below_each_other_are_read_downwards() -> None:
    placed = [("語", 100, 140), ("日", 100, 100), ("本", 100, 120)]
    line = _line(placed)
    assert line.line.text == "日本語"
    quads = character_quads(line.line, _around(_glyphs(placed)))
    assert quads.mean(axis=(1, 2)).tolist() == sorted(quads.mean(axis=(1, 2)).tolist())


def _turned(layer: TextLayer, quarters: int) -> TextLayer:
    return layer.turned(90 * quarters, SIZE) if quarters else layer


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_words_and_characters_have_the_places_they_have_on_the_page(quarters: int) -> None:
    layer = _turned(_layer(_row("one two")), quarters)
    size = SIZE if quarters % 2 == 0 else SIZE[::-1]
    glyphs = glyphs_of(layer, size)
    quad = _around(glyphs)
    found = line_of(glyphs, quad, turn=True)
    assert found.line.text == "one two"
    # A sideways line's crop is turned to the left: what runs upwards then stands on its head.
    assert found.turned == (quarters in (1, 2))
    characters = character_quads(found.line, quad, turned=found.turned)
    assert np.allclose(characters.mean(axis=1), layer.quads.mean(axis=1), atol=1)
    assert np.allclose(characters[:, 0], layer.quads[:, 0], atol=1)
    words, boxes = word_boxes(found.line, quad, turned=found.turned)
    assert words == ["one", " ", "two"]
    for box, members in zip((boxes[0], boxes[2]), (slice(0, 3), slice(4, 7)), strict=True):
        own = layer.quads[members].reshape(-1, 2)
        assert np.allclose(box, [*own.min(axis=0), *own.max(axis=0)], atol=1)


def test_columns_are_apart_and_words_of_a_line_together() -> None:
    glyphs = _glyphs(_row("left side") + _row("right", x=300) + _row("below", y=130))
    quads, members = lines_among(glyphs, SIZE)
    texts = {
        line_of(glyphs.only(line), quad, turn=True).line.text
        for quad, line in zip(quads, members, strict=True)
    }
    assert texts == {"left side", "right", "below"}


def test_lines_of_all_directions_have_boxes_around_them() -> None:
    level = _layer(_row("level line"))
    glyphs = glyphs_of(level, SIZE)
    for quarters in range(4):
        size = SIZE if quarters % 2 == 0 else SIZE[::-1]
        glyphs = glyphs_of(_turned(level, quarters), size)
        quads, members = lines_among(glyphs, size)
        assert [len(line) for line in members] == [9]
        assert (quads[0].min(axis=0) <= glyphs.quads.min(axis=(0, 1))).all()
        assert (quads[0].max(axis=0) >= glyphs.quads.max(axis=(0, 1))).all()
    downwards = _glyphs([("日", 100, 100), ("本", 100, 120), ("語", 100, 140)])
    quads, members = lines_among(downwards, SIZE)
    assert len(quads) == 1
    width, height = np.ptp(quads[0], axis=0).tolist()
    assert 10 < width < 16
    assert 60 < height < 66
