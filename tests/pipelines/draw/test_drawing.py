"""The picture of a result: every script shows, in its own place and nowhere else."""

# ruff: noqa: RUF001  -- letters of many scripts are what these tests are about

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from services import absent

from pipelines.draw import FontUnavailableError, draw_ocr_result
from pipelines.draw.fonts import font_for, font_path
from pipelines.draw.runs import is_right_to_left, visual_runs
from pipelines.draw.shaping import shape_horizontal, shape_vertical
from pipelines.errors import WeightsError
from pipelines.models import resolve

Array = np.ndarray[Any, Any]

SCRIPTS = {
    "Latin": "Grüße, façade, Žluťoučký",
    "Vietnamese": "Tiếng Việt",
    "Cyrillic": "Привет, мир",
    "Greek": "Ελληνικά ώρα",
    "Chinese": "这是一份通知。请阅读。",
    "Traditional": "繁體中文測試",
    "Japanese": "東京都のおしらせカタカナ",
    "Korean": "대한민국 서울",
    "Arabic": "السلام عليكم",
    "Hebrew": "שלום עולם",
    "Devanagari": "नमस्ते क्षत्रिय",
    "Bengali": "বাংলা ভাষা",
    "Gurmukhi": "ਪੰਜਾਬੀ",
    "Gujarati": "ગુજરાતી",
    "Odia": "ଓଡ଼ିଆ",
    "Tamil": "தமிழ்",
    "Telugu": "తెలుగు",
    "Kannada": "ಕನ್ನಡ",
    "Malayalam": "മലയാളം",
    "Sinhala": "සිංහල",
    "Thai": "ภาษาไทย น้ำ",
    "Lao": "ພາສາລາວ",
    "Myanmar": "မြန်မာ",
    "Khmer": "ភាសាខ្មែរ",
    "Georgian": "ქართული",
    "Armenian": "Հայերեն",
    "Ethiopic": "አማርኛ",
    "Symbols": "€ £ ¥ № → ☎ ★ ½ ㎡",
    "Emoji": "🚀🚨",
}


def page(height: int = 100, width: int = 300, value: int = 200) -> Array:
    return np.full((height, width, 3), value, np.uint8)


def box(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def ink(picture: Image.Image) -> Array:
    """Where letters are on the right half: dark and grey, unlike the outlines, which are coloured."""
    right = np.asarray(picture)[:, picture.width // 2 :].astype(int)
    return np.asarray((right.max(axis=2) < 110) & (np.ptp(right, axis=2) < 20))


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_its_glyphs(script: str) -> None:
    """Glyph 0 is the box for what a font lacks."""
    line = shape_horizontal(SCRIPTS[script])
    assert line.glyphs
    assert all(glyph.number != 0 for glyph in line.glyphs)


@pytest.mark.parametrize("script", ["Chinese", "Traditional", "Japanese", "Korean"])
def test_upright_columns_have_their_glyphs(script: str) -> None:
    line = shape_vertical(SCRIPTS[script])
    assert len(line.glyphs) == len(SCRIPTS[script])
    assert all(glyph.number != 0 for glyph in line.glyphs)


@pytest.mark.parametrize(
    ("model", "missing"),
    [
        ("PP-OCRv6_small_rec", "ϢϣϤϥϦϧϨϩϪϫϬϭϮϯ𠴰𡑍𡚁"),
        ("chinese_cht_PP-OCRv3_mobile_rec", ""),
        ("japan_PP-OCRv3_mobile_rec", ""),
    ],
)
def test_every_letter_and_digit_that_a_model_knows_shows(model: str, missing: str) -> None:
    """All but Coptic and three rare ideographs; symbols that Noto keeps in other fonts show as a box."""
    try:
        alphabet = resolve(model).inference.character_dict
    except WeightsError as error:
        absent(str(error))
    known = {c for entry in alphabet for c in entry if unicodedata.category(c)[0] in "LNM"}
    assert len(known) > 4000
    assert {c for c in known if not font_for(c, kana=False, hangul=False).covers(c)} == set(missing)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_shows_inside_its_quadrilateral(script: str) -> None:
    picture = draw_ocr_result(page(), [box(20, 30, 280, 70)], [SCRIPTS[script]], [0.9])
    found = ink(picture)
    assert found.sum() > 100
    found[29:72, 19:282] = False
    assert not found.any()


def test_scripts_do_not_look_alike() -> None:
    seen = {
        script: ink(draw_ocr_result(page(), [box(20, 30, 280, 70)], [text])).tobytes()
        for script, text in SCRIPTS.items()
    }
    assert len(set(seen.values())) == len(SCRIPTS)


def test_the_picture_is_twice_as_wide_and_the_page_is_left_alone() -> None:
    original = page()
    picture = draw_ocr_result(original, [box(20, 30, 280, 70)], ["x"])
    assert (picture.size, picture.mode) == ((600, 100), "RGB")
    assert (original == 200).all()


def test_left_is_the_page_with_translucent_polygons() -> None:
    image = page()
    image[50, 100:110] = 0  # something printed on the page, within the polygon
    left = np.asarray(draw_ocr_result(image, [box(20, 30, 280, 70)], ["x"]))[:, :300].astype(int)
    assert (left[10, 10] == 200).all()
    assert np.ptp(left[40, 150]) > 20
    assert left[50, 105].sum() < left[40, 105].sum() - 200


def test_colours_are_not_swapped() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    image[..., 0] = 255  # blue in BGR
    assert np.asarray(draw_ocr_result(image, [], []))[5, 5].tolist() == [0, 0, 255]


def test_nothing_found_is_a_white_page() -> None:
    picture = np.asarray(draw_ocr_result(page(), np.empty((0, 4, 2)), []))
    assert (picture[:, 300:] == 255).all()
    assert (picture[:, :300] == 200).all()


def test_doubtful_lines_are_red() -> None:
    def reds(score: float) -> int:
        right = np.asarray(draw_ocr_result(page(), [box(20, 30, 280, 70)], ["sure"], [score]))[:, 300:]
        return int(((right[..., 0] > 150) & (right[..., 1] < 60) & (right[..., 2] < 60)).sum())

    assert reds(0.49) > 100
    assert reds(0.5) == 0


@pytest.mark.parametrize(
    ("quad", "inside"),
    [
        (box(10, 10, 40, 190), "横竖排列文字"),
        (box(10, 10, 40, 190), "Rotated text"),
        ([[30, 20], [180, 80], [168, 110], [18, 50]], "slanted 斜め"),
        ([[180, 110], [20, 100], [22, 70], [182, 80]], "upside down"),
        (box(10, 10, 190, 30), "far too long a text for so little room as there is in this box"),
        (box(10, 10, 190, 190), "x"),
    ],
)
def test_text_keeps_within_any_quadrilateral(quad: list[list[float]], inside: str) -> None:
    picture = draw_ocr_result(page(200, 200), [quad], [inside])
    found = ink(picture)
    assert found.sum() > 10
    corners = np.array(quad)
    rows, columns = np.nonzero(found)
    points = np.stack([columns, rows], axis=1) + 0.5
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = end - start
        distance = (side[0] * (points[:, 1] - start[1]) - side[1] * (points[:, 0] - start[0])) / np.hypot(
            *side
        )
        assert distance.min() > -1.5


def test_upside_down_quads_turn_the_text() -> None:
    upright = ink(draw_ocr_result(page(100, 200), [box(20, 30, 180, 70)], ["Lab"]))
    turned = ink(draw_ocr_result(page(100, 200), [np.roll(box(20, 30, 180, 70), 2, axis=0)], ["Lab"]))
    assert (upright == turned[::-1, ::-1]).mean() > 0.98
    assert (upright != turned).any()


@pytest.mark.parametrize(
    "quad",
    [
        box(50, 50, 50, 50),
        box(50, 50, 50, 90),
        box(500, 500, 600, 600),
        box(-300, -300, -200, -200),
        box(-50, -50, 400, 200),
        [[0, 0], [100, 100], [0, 0], [100, 100]],
    ],
)
def test_odd_quadrilaterals_do_no_harm(quad: list[list[float]]) -> None:
    assert draw_ocr_result(page(), [quad], ["words"]).size == (600, 100)


@pytest.mark.parametrize(
    "text", ["", " ", "\u200d", "\u0301", "\n\t", "\ufeff", "\ud83d", "\ue000", "a" * 3000]
)
def test_odd_texts_do_no_harm(text: str) -> None:
    assert draw_ocr_result(page(), [box(20, 30, 280, 70)], [text]).size == (600, 100)


def test_a_character_that_no_font_has_shows_as_a_box() -> None:
    assert ink(draw_ocr_result(page(), [box(20, 30, 280, 70)], ["\ue000"])).sum() > 20


def test_a_very_large_page_is_drawn_smaller() -> None:
    picture = draw_ocr_result(page(400, 600), [box(20, 30, 580, 70)], ["words"], max_megapixels=0.06)
    assert picture.size == (600, 200)
    assert ink(picture)[10:40].sum() > 20
    assert not ink(picture)[40:].any()


def test_lists_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="1 polygons, 2 texts"):
        draw_ocr_result(page(), [box(1, 1, 9, 9)], ["a", "b"])
    with pytest.raises(ValueError, match="do not go together"):
        draw_ocr_result(page(), [box(1, 1, 9, 9)], ["a"], [])


class TestDirections:
    """UAX #9: what stands where."""

    def test_hebrew_runs_from_the_right(self) -> None:
        (run,) = visual_runs("שלום")
        assert run.right_to_left
        assert is_right_to_left("שלום abc")
        assert not is_right_to_left("abc שלום")
        assert not is_right_to_left("")

    def test_numbers_in_arabic_keep_their_order(self) -> None:
        runs = visual_runs("رقم 123 هنا")
        assert [(run.text.strip(), run.right_to_left) for run in runs if run.text.strip()] == [
            ("هنا", True),
            ("123", False),
            ("رقم", True),
        ]

    def test_latin_within_hebrew_stands_to_the_left_of_what_came_before(self) -> None:
        order = "".join(run.text for run in visual_runs("אבג abc"))
        assert order.startswith("abc")

    def test_joiners_survive(self) -> None:
        text = "می\u200cخواهم"
        assert sum(len(run.text) for run in visual_runs(text)) == len(text)
        assert len(shape_horizontal(text).glyphs) >= len(text) - 1

    def test_arabic_letters_join(self) -> None:
        joined = {glyph.number for glyph in shape_horizontal("ببب").glyphs}
        alone = {glyph.number for glyph in shape_horizontal("ب").glyphs}
        assert len(joined - alone) == 3  # at the beginning, in the middle, at the end


class TestFonts:
    """The right face, and a sentence where there is none."""

    def test_an_ideograph_takes_its_countrys_face(self) -> None:
        faces = {
            font_for("直", kana, hangul) for kana, hangul in ((False, False), (True, False), (False, True))
        }
        assert len(faces) == 3
        assert visual_runs("直")[0].font is font_for("直", kana=False, hangul=False)
        assert visual_runs("直の")[0].font is font_for("直", kana=True, hangul=False)

    def test_marks_stay_with_their_letter(self) -> None:
        assert len(visual_runs("e\u0301a\u0300")) == 1

    def test_vertical_ideographs_stand_below_each_other(self) -> None:
        line = shape_vertical("竖排文字")
        heights = [glyph.y for glyph in line.glyphs]
        assert heights == sorted(heights, reverse=True)
        assert line.length == pytest.approx(4.0, abs=0.01)

    def test_a_package_that_is_not_installed_is_named(self) -> None:
        with pytest.raises(FontUnavailableError, match="package no-such-fonts, which is not installed"):
            font_path("no-such-fonts", "any.ttf")

    def test_a_font_that_is_not_in_its_package_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "empty_fonts").mkdir()
        (tmp_path / "empty_fonts" / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(
            FontUnavailableError, match=r"Noto\.ttf, which the package empty-fonts no longer holds"
        ):
            font_path("empty-fonts", "Noto.ttf")
