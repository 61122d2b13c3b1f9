from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines import create_pipeline, pipeline_digest
from pipelines.errors import DamagedInput, InputError, UnsupportedInput
from pipelines.ocr import OCRPipeline
from pipelines.read import iter_inputs
from pipelines.result import OCRResult

FIELDS = [
    "input_path",
    "page_index",
    "model_settings",
    "doc_preprocessor_res",
    "dt_polys",
    "dt_scores",
    "text_det_params",
    "text_type",
    "textline_orientation_angles",
    "text_rec_score_thresh",
    "return_word_box",
    "rec_texts",
    "rec_scores",
    "rec_polys",
    "rec_boxes",
    "reading_order",
    "rec_scripts",
    "rec_languages",
    "rec_models",
    "text_source",
    "page",
    "text_layer",
    "pipeline",
    "timings",
]


@pytest.fixture(scope="module")
def pipeline() -> OCRPipeline:
    return create_pipeline("OCR", engine="fake")


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    picture = np.full((240, 400, 3), 255, dtype=np.uint8)
    for row in (60, 140):
        cv2.putText(picture, "ink and more", (30, row), cv2.FONT_HERSHEY_DUPLEX, 1, (0, 0, 0), 2)
    return picture


@pytest.fixture
def picture(tmp_path: Path, page: np.ndarray) -> Path:
    path = tmp_path / "in" / "letter.jpg"
    path.parent.mkdir()
    cv2.imwrite(str(path), page)
    return path


@pytest.fixture
def document(tmp_path: Path, page: np.ndarray) -> Path:
    path = tmp_path / "two.pdf"
    sheets = [Image.fromarray(page), Image.fromarray(page[:, ::-1])]
    sheets[0].save(path, save_all=True, append_images=sheets[1:])
    return path


def _one(pipeline: OCRPipeline, source: Any, **options: Any) -> OCRResult:
    (result,) = pipeline.predict(source, **options)
    return result


def test_a_result_has_upstreams_fields_then_ours(pipeline: OCRPipeline, page: np.ndarray) -> None:
    body = _one(pipeline, page).json
    assert list(body) == ["res"]
    assert list(body["res"]) == FIELDS


def test_a_result_is_a_mapping_as_upstreams_is(pipeline: OCRPipeline, page: np.ndarray) -> None:
    result = _one(pipeline, page)
    assert list(result) == FIELDS
    assert "rec_texts" in result
    assert "text_word" not in result
    assert result.get("text_word", "none") == "none"
    assert dict(result)["rec_texts"] == result["rec_texts"]


def test_lists_run_parallel_and_hold_whole_numbers(pipeline: OCRPipeline, page: np.ndarray) -> None:
    res = _one(pipeline, page).json["res"]
    for key in (
        "rec_texts",
        "rec_scores",
        "rec_polys",
        "rec_boxes",
        "rec_scripts",
        "rec_languages",
        "rec_models",
        "text_source",
    ):
        assert len(res[key]) == 2
    assert len(res["dt_polys"]) == len(res["dt_scores"]) == len(res["textline_orientation_angles"]) == 2
    assert all(0 < score <= 1 for score in res["dt_scores"] + res["rec_scores"])
    assert {type(v) for poly in res["rec_polys"] for point in poly for v in point} == {int}
    assert {type(v) for box in res["rec_boxes"] for v in box} == {int}
    assert res["textline_orientation_angles"] == [0, 0]
    off = _one(pipeline, page, use_textline_orientation=False)
    assert off["textline_orientation_angles"] == [-1, -1]
    assert res["text_source"] == ["ocr", "ocr"]
    assert res["reading_order"] == [0, 1]
    assert res["rec_scripts"] == ["Latn", "Latn"]


def test_the_page_block_gives_the_source_page_and_its_polygons(pipeline: OCRPipeline, picture: Path) -> None:
    res = _one(pipeline, str(picture)).json["res"]
    assert res["page"] == {
        "number": 1,
        "width": 400,
        "height": 240,
        "dpi": res["page"]["dpi"],
        "rotation": 0,
        "origin": "picture",
        "warning": None,
        "source_polys": res["rec_polys"],
        "transform": {"angle": 0, "source_size": [400, 240], "unwarped": False, "grid": None},
    }


def test_words_are_there_only_when_asked_for(pipeline: OCRPipeline, page: np.ndarray) -> None:
    res = _one(pipeline, page, return_word_box=True).json["res"]
    assert ["".join(words) for words in res["text_word"]] == res["rec_texts"]
    assert ["".join(chars) for chars in res["text_chars"]] == res["rec_texts"]
    assert [len(scores) for scores in res["text_char_scores"]] == [len(text) for text in res["rec_texts"]]
    for words, boxes, (left, top, right, bottom) in zip(
        res["text_word"], res["text_word_boxes"], res["rec_boxes"], strict=True
    ):
        assert len(words) == len(boxes)
        assert all(left <= b[0] <= b[2] <= right and top <= b[1] <= b[3] <= bottom for b in boxes)
        assert boxes == sorted(boxes)


def test_each_stage_has_its_seconds(pipeline: OCRPipeline, page: np.ndarray) -> None:
    result = _one(pipeline, page)
    assert list(result.timings) == [
        "preprocessing",
        "detection",
        "crop",
        "line_orientation",
        "recognition",
        "read",
        "total",
    ]
    assert all(seconds >= 0 for seconds in result.timings.values())
    assert sum(list(result.timings.values())[:-1]) <= result.timings["total"] + 1e-4
    assert result.json["res"]["timings"] == result.timings


def test_a_result_says_which_pipeline_gave_it(pipeline: OCRPipeline, page: np.ndarray) -> None:
    described = _one(pipeline, page).json["res"]["pipeline"]
    assert described == pipeline.describe()
    assert described["digest"] == pipeline_digest("OCR")
    assert [(m["module"], m["name"]) for m in described["models"]] == [
        ("doc_orientation", "PP-LCNet_x1_0_doc_ori"),
        ("doc_unwarping", "UVDoc"),
        ("text_detection", "PP-OCRv6_small_det"),
        ("textline_orientation", "PP-LCNet_x1_0_textline_ori"),
        ("text_recognition", "PP-OCRv6_small_rec"),
    ]
    assert described["name"] == "OCR"
    assert described["device"] == "cpu"


def test_the_json_file_holds_the_inner_object(pipeline: OCRPipeline, picture: Path, tmp_path: Path) -> None:
    result = _one(pipeline, str(picture))
    path = result.save_to_json(tmp_path / "out")
    assert path == tmp_path / "out" / "letter_res.json"
    assert json.loads(path.read_text(encoding="utf-8")) == result.json["res"]
    named = result.save_to_json(tmp_path / "deep" / "name.json", indent=0)
    assert json.loads(named.read_text(encoding="utf-8")) == result.json["res"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf_8_is_kept_in_the_json(
    pipeline: OCRPipeline, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = picture.rename(picture.with_name(os.fsdecode(b"caf\xe9.jpg")))
    result = _one(pipeline, odd)
    saved = result.save_to_json(tmp_path / "out")
    assert json.loads(saved.read_text(encoding="utf-8"))["input_path"] == str(odd)
    result.print()
    assert json.loads(capsys.readouterr().out)["res"]["input_path"] == str(odd)


def test_pages_of_a_document_have_files_of_their_own(
    pipeline: OCRPipeline, document: Path, tmp_path: Path
) -> None:
    results = list(pipeline.predict(document))
    assert [result["page_index"] for result in results] == [0, 1]
    assert [result["page"]["number"] for result in results] == [1, 2]
    names = [result.save_to_json(tmp_path).name for result in results]
    assert names == ["two_0_res.json", "two_1_res.json"]


def test_arrays_have_files_of_their_own_too(pipeline: OCRPipeline, page: np.ndarray, tmp_path: Path) -> None:
    names = [result.save_to_json(tmp_path).name for result in pipeline.predict([page, page])]
    assert names == ["array_0_res.json", "array_1_res.json"]


def test_the_picture_is_twice_as_wide_and_saved_by_its_sources_type(
    pipeline: OCRPipeline, picture: Path, page: np.ndarray, tmp_path: Path
) -> None:
    result = _one(pipeline, str(picture))
    drawn = result.img["ocr_res_img"]
    assert drawn.size == (800, 240)
    assert [path.name for path in result.save_to_img(tmp_path)] == [
        "letter_ocr_res_img.jpg",
        "letter_preprocessed_img.jpg",
    ]
    plain = _one(pipeline, page, use_doc_orientation_classify=False, use_doc_unwarping=False)
    assert [path.name for path in plain.save_to_img(tmp_path)] == ["array_0_ocr_res_img.png"]
    named, beside = result.save_to_img(tmp_path / "deep" / "mine.webp")
    assert Image.open(named).size == (800, 240)
    assert (named.name, beside.name) == ("mine.webp", "mine_preprocessed_img.webp")


def test_a_picture_too_wide_for_webp_is_saved_as_png(pipeline: OCRPipeline, tmp_path: Path) -> None:
    wide = tmp_path / "wide.webp"
    Image.new("RGB", (8200, 64), "white").save(wide)
    saved, _ = _one(pipeline, wide).save_to_img(tmp_path)
    assert saved.name == "wide_ocr_res_img.png"


def test_everything_can_be_saved_at_once(pipeline: OCRPipeline, picture: Path, tmp_path: Path) -> None:
    _one(pipeline, str(picture)).save_all(tmp_path / "all")
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        "letter_ocr_res_img.jpg",
        "letter_preprocessed_img.jpg",
        "letter_res.json",
    ]


def test_printing_gives_json_or_one_line(
    pipeline: OCRPipeline, page: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    result = _one(pipeline, page)
    result.print()
    assert json.loads(capsys.readouterr().out) == result.json
    result.print(format_json=True, json_format=False)
    assert capsys.readouterr().out.count("\n") == 1
    result.print(indent=1, ensure_ascii=True)
    assert "\n  " in capsys.readouterr().out


def test_every_kind_of_input_reads_the_same(pipeline: OCRPipeline, picture: Path, tmp_path: Path) -> None:
    (opened,) = iter_inputs(picture)
    sources = [
        picture,
        str(picture),
        picture.read_bytes(),
        picture.parent,
        [str(picture)],
        opened,
        opened.image,
    ]
    texts = {tuple(_one(pipeline, source)["rec_texts"]) for source in sources}
    assert len(texts) == 1


def test_pages_are_read_one_at_a_time(pipeline: OCRPipeline, page: np.ndarray) -> None:
    taken = []

    class Watched(list[Any]):
        def __iter__(self) -> Any:
            for item in super().__iter__():
                taken.append(item)
                yield item

    results = pipeline.predict(Watched([page] * 3))
    next(results)
    assert len(taken) == 1


def test_a_bad_input_is_an_error_that_names_it(pipeline: OCRPipeline, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("no picture at all", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.png"):
        list(pipeline.predict(text))
    with pytest.raises(UnsupportedInput):
        list(pipeline.predict(42))


def test_a_bad_page_does_not_spoil_the_good_one_before_it(
    pipeline: OCRPipeline, picture: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(picture.read_bytes()[:300])
    results = pipeline.predict([picture, broken])
    assert len(next(results)["rec_texts"]) == 2
    with pytest.raises((DamagedInput, UnsupportedInput), match=r"broken\.jpg"):
        next(results)
