"""Pages with text layers, true and false, through the whole pipeline on real weights."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pdfs import LETTER, letter, text_pdf
from PIL import Image, ImageDraw, ImageFont
from services import absent

from pipelines import create_pipeline
from pipelines.errors import OptionError, WeightsError
from pipelines.ocr import OCRPipeline
from pipelines.read import open_document

Read = Callable[..., dict[str, Any]]
ONE_ON = [(a, b) for a, b in zip(string.ascii_letters, string.ascii_letters[1:] + "a", strict=True)]


@pytest.fixture(scope="module")
def pipeline() -> OCRPipeline:
    try:
        return create_pipeline("OCR", device="cpu", engine_config={"threads": 2})
    except WeightsError as error:
        absent(str(error))


@pytest.fixture(scope="module")
def read(pipeline: OCRPipeline) -> Read:
    """The result of the one page of a PDF's bytes."""

    def read(pdf: bytes, mode: str | None = None, **options: Any) -> dict[str, Any]:
        (result,) = pipeline.predict(pdf, text_layer=mode, **options)
        return dict(result.json["res"])

    return read


def _picture_of(text: str) -> tuple[int, int, bytes]:
    picture = Image.new("L", (400, 60), 255)
    ImageDraw.Draw(picture).text((20, 10), text, font=ImageFont.load_default(34), fill=0)
    return 400, 60, picture.tobytes()


def test_the_layer_is_ignored_unless_asked_for(read: Read) -> None:
    res = read(text_pdf(letter()))
    assert res["text_layer"] == {"mode": "ignore", "used": False, "agreement": None, "reason": None}
    assert set(res["text_source"]) == {"ocr"}
    assert "text_layer" not in res["timings"]


@pytest.mark.parametrize("mode", ["verify", "trust"])
def test_a_true_layer_is_taken_as_it_is(read: Read, mode: str) -> None:
    res = read(text_pdf(letter()), mode)
    assert res["rec_texts"] == list(LETTER)
    assert res["text_layer"]["used"]
    assert (res["text_layer"]["agreement"] or 1) > 0.98
    assert set(res["text_source"]) == {"pdf"}
    assert set(res["rec_models"]) == {None}
    assert set(res["rec_scores"]) == {1.0}


def test_trust_runs_no_network_on_a_page_of_nothing_but_text(read: Read) -> None:
    res = read(text_pdf(letter()), "trust")
    assert "detection" not in res["timings"]
    plain = read(text_pdf(letter()), "verify")
    boxes = np.array(res["rec_boxes"]), np.array(plain["rec_boxes"])
    assert np.abs(boxes[0] - boxes[1]).max() < 12


def test_verify_leaves_what_is_detected_as_it_is(read: Read) -> None:
    pdf = text_pdf(letter())
    ignored, verified = read(pdf, "ignore"), read(pdf, "verify")
    assert verified["rec_polys"] == ignored["rec_polys"]
    assert verified["dt_scores"] == ignored["dt_scores"]
    assert verified["reading_order"] == ignored["reading_order"]


@pytest.mark.parametrize("mode", ["verify", "trust"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_that_is_turned_to_be_read_turns_its_layer(read: Read, mode: str, rotation: int) -> None:
    res = read(text_pdf(letter(), page=f"/Rotate {rotation}"), mode, return_word_box=True)
    assert res["rec_texts"] == list(LETTER)
    assert set(res["text_source"]) == {"pdf"}
    assert ["".join(words) for words in res["text_word"]] == res["rec_texts"]


def test_words_stand_where_they_are_painted(read: Read) -> None:
    pdf = text_pdf(letter(["Left and right"]))
    res = read(pdf, "trust", return_word_box=True)
    with open_document(pdf) as document:
        dark = document.page(1).image.max(axis=2) < 128
    for word, (left, top, right, bottom) in zip(res["text_word"][0], res["text_word_boxes"][0], strict=True):
        inked = np.flatnonzero(dark[top:bottom, left:right].any(axis=0))
        if word.isspace():
            assert inked.size == 0
        else:
            assert inked[0] <= 3
            assert inked[-1] >= right - left - 4


def test_a_layer_that_lies_is_not_used(read: Read) -> None:
    pdf = text_pdf(letter(font="G"), codes=ONE_ON)
    ignored, res = read(pdf, "ignore"), read(pdf, "verify")
    assert res["text_layer"]["agreement"] < 0.5
    assert res["text_layer"]["reason"] == "what is read differs from the text layer"
    assert not res["text_layer"]["used"]
    assert res["rec_texts"] == ignored["rec_texts"]
    assert res["rec_scores"] == ignored["rec_scores"]
    assert read(pdf, "trust")["rec_texts"][0].startswith("Uif dpnnjuuff")


def test_one_font_that_lies_leaves_the_others_believed(read: Read) -> None:
    pdf = text_pdf(
        letter(LETTER[:6]) + letter(LETTER[6:], font="G", at=(30, 92)),
        codes=[*ONE_ON, (" ", " "), (".", ".")],
    )
    res = read(pdf, "verify")
    assert res["text_layer"]["used"]
    assert res["text_source"] == ["pdf"] * 6 + ["ocr"] * 2
    assert res["rec_texts"] == list(LETTER)


@pytest.mark.parametrize("mode", ["verify", "trust"])
def test_characters_without_a_meaning_are_read(read: Read, mode: str) -> None:
    codes = [(letter, chr(0xE000 + ord(letter))) for letter in string.printable]
    res = read(text_pdf(letter(LETTER[:6]) + letter(LETTER[6:7], font="G", at=(30, 92)), codes=codes), mode)
    assert res["rec_texts"] == list(LETTER[:7])
    assert res["text_source"] == ["pdf"] * 6 + ["ocr"]
    alone = read(text_pdf(letter(font="G"), codes=codes), mode)
    assert alone["text_layer"]["reason"] == "the text layer does not say what its characters are"
    assert alone["rec_texts"] == list(LETTER)


@pytest.mark.parametrize(
    "hidden",
    [
        "1 g BT /F 14 Tf 30 30 Td (Nobody sees this white line) Tj ET",
        "BT 3 Tr /F 14 Tf 30 30 Td (Nobody sees this line without paint) Tj ET",
        "q 0 0 10 10 re W n BT /F 14 Tf 30 30 Td (Nobody sees this clipped line) Tj ET Q",
        "BT /F 14 Tf 30 -40 Td (Nobody sees this line below the page) Tj ET",
        "BT /F 14 Tf 30 30 Td (Nobody sees this covered line) Tj ET 1 g 20 20 380 30 re f",
    ],
    ids=["white", "without paint", "clipped", "off the page", "covered"],
)
@pytest.mark.parametrize("mode", ["verify", "trust"])
def test_what_nobody_sees_is_not_in_the_result(read: Read, mode: str, hidden: str) -> None:
    res = read(text_pdf(letter() + hidden), mode)
    assert res["rec_texts"] == list(LETTER)


@pytest.mark.parametrize("mode", ["verify", "trust"])
def test_text_in_a_picture_is_read_beside_the_layer(read: Read, mode: str) -> None:
    picture = _picture_of("Painted words")
    res = read(text_pdf(letter(LETTER[:6]) + "q 200 0 0 30 30 40 cm /Im Do Q", picture=picture), mode)
    assert res["rec_texts"] == [*LETTER[:6], "Painted words"]
    assert res["text_source"] == ["pdf"] * 6 + ["ocr"]


def test_trust_reads_letters_drawn_as_shapes(read: Read) -> None:
    drawn = "0 g " + " ".join(
        f"{x} 40 2 12 re {x + 8} 40 2 12 re {x} 45 10 2 re f" for x in range(40, 120, 13)
    )
    res = read(text_pdf(letter(LETTER[:4]) + drawn), "trust")
    assert res["rec_texts"][:4] == list(LETTER[:4])
    assert set("".join(res["rec_texts"][4:]).upper()) == {"H"}
    assert res["text_source"][:5] == ["pdf"] * 4 + ["ocr"]


def test_the_layer_over_a_scan_is_trusted_only_when_told_to(read: Read) -> None:
    over = "q 420 0 0 63 0 100 cm /Im Do Q BT 3 Tr /F 30 Tf 25 125 Td (Paimted w0rds) Tj ET"
    pdf = text_pdf(over, picture=_picture_of("Painted words"))
    verified = read(pdf, "verify")
    assert verified["rec_texts"] == ["Painted words"]
    assert verified["text_layer"]["reason"] == "the page is a scan"
    assert read(pdf, "trust")["rec_texts"] == ["Paimted w0rds"]


def test_pictures_and_pages_opened_otherwise_say_why_nothing_is_used(
    pipeline: OCRPipeline, read: Read
) -> None:
    (result,) = pipeline.predict(np.full((60, 100, 3), 255, np.uint8), text_layer="verify")
    assert result["text_layer"]["reason"] == "the page is a picture"
    with open_document(text_pdf(letter())) as document:
        (result,) = pipeline.predict(document.page(1), text_layer="trust")
    assert result["text_layer"]["reason"] == "the page came without its text layer"
    assert result["rec_texts"] == list(LETTER)
    assert (
        read(text_pdf(""), "verify")["text_layer"]["reason"]
        == "the text layer has nothing that is to be seen"
    )


def test_two_texts_on_top_of_each_other_are_read_as_they_look(read: Read) -> None:
    # The same line twice, the second a little to the right, is how some programs make it bold.
    bold = letter() + letter(at=(31, 260))
    assert read(text_pdf(bold), "verify")["rec_texts"] == list(LETTER)
    # White letters over black ones: the file has both in one place.
    mixed = letter() + "1 g " + letter([line[::-1] for line in LETTER])
    res = read(text_pdf(mixed), "verify")
    assert res["rec_texts"] == read(text_pdf(mixed), "ignore")["rec_texts"]


def test_a_mode_that_is_none_is_refused(pipeline: OCRPipeline) -> None:
    with pytest.raises(OptionError, match="text_layer"):
        pipeline.predict(text_pdf(letter()), text_layer="believe")
