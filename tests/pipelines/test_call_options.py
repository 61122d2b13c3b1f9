from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import create_pipeline
from pipelines.errors import ConfigError, OptionError
from pipelines.ocr import OCRPipeline

SWITCHES = ["use_doc_orientation_classify", "use_doc_unwarping", "use_textline_orientation"]
THRESHOLDS = ["text_det_thresh", "text_det_box_thresh", "text_det_unclip_ratio", "text_rec_score_thresh"]


@pytest.fixture(scope="module")
def pipeline() -> OCRPipeline:
    return create_pipeline("OCR", engine="fake")


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    picture = np.full((300, 500, 3), 255, dtype=np.uint8)
    for row in (60, 140, 220):
        cv2.putText(picture, "some line of ink", (30, row), cv2.FONT_HERSHEY_DUPLEX, 1, (0, 0, 0), 2)
    return picture


def _read(pipeline: OCRPipeline, page: np.ndarray, **options: Any) -> dict[str, Any]:
    (result,) = pipeline.predict(page, **options)
    fields = result.json["res"]
    del fields["timings"]
    return fields


def test_options_of_one_call_are_in_its_result(pipeline: OCRPipeline, page: np.ndarray) -> None:
    given = {
        "limit_side_len": 320,
        "limit_type": "min",
        "thresh": 0.5,
        "max_side_limit": 640,
        "box_thresh": 0.25,
        "unclip_ratio": 3.0,
    }
    fields = _read(pipeline, page, **{f"text_det_{key}": value for key, value in given.items()})
    assert fields["text_det_params"] == given


def test_no_option_leaks_into_the_next_call(pipeline: OCRPipeline, page: np.ndarray) -> None:
    before = _read(pipeline, page)
    changed = _read(
        pipeline,
        page,
        text_det_limit_side_len=320,
        text_det_limit_type="min",
        text_det_max_side_limit=2000,
        text_det_thresh=0.7,
        text_det_box_thresh=0.1,
        text_det_unclip_ratio=2.5,
        text_rec_score_thresh=0.1,
        return_word_box=True,
    )
    assert changed["text_det_params"] != before["text_det_params"]
    assert _read(pipeline, page) == before


def test_two_calls_read_in_turns_keep_their_own_options(pipeline: OCRPipeline, page: np.ndarray) -> None:
    strict = pipeline.predict([page, page], text_rec_score_thresh=1.0)
    loose = pipeline.predict([page, page])
    counts = [len(next(calls)["rec_texts"]) for calls in (strict, loose, strict, loose)]
    assert counts == [0, 3, 0, 3]


@pytest.mark.parametrize("name", THRESHOLDS)
@pytest.mark.parametrize("zero", [0, 0.0])
def test_zero_is_a_value_like_any_other(
    pipeline: OCRPipeline, page: np.ndarray, name: str, zero: float
) -> None:
    fields = _read(pipeline, page, **{name: zero})
    key = name.removeprefix("text_det_")
    got = fields["text_det_params"][key] if key != name else fields["text_rec_score_thresh"]
    assert got == 0


def test_a_score_is_left_out_when_it_is_below_the_threshold_not_at_it(
    pipeline: OCRPipeline, page: np.ndarray
) -> None:
    scores = _read(pipeline, page)["rec_scores"]
    at = _read(pipeline, page, text_rec_score_thresh=max(scores))
    assert at["rec_scores"] == [score for score in scores if score >= max(scores)]
    assert len(at["rec_scores"]) < 4
    above = _read(pipeline, page, text_rec_score_thresh=1.0)
    assert above["rec_texts"] == above["rec_polys"] == above["rec_boxes"] == []
    assert len(above["dt_polys"]) == len(above["dt_scores"]) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text_det_thresh": -0.1}, "text_det_thresh.*0 to 1"),
        ({"text_det_thresh": float("nan")}, "text_det_thresh"),
        ({"text_det_box_thresh": "high"}, "text_det_box_thresh"),
        ({"text_det_limit_type": "longest"}, "text_det_limit_type.*'max' or 'min'"),
        ({"text_det_limit_side_len": 960.5}, "text_det_limit_side_len.*whole"),
        ({"text_det_limit_side_len": True}, "text_det_limit_side_len"),
        ({"text_det_max_side_limit": 0}, "text_det_max_side_limit"),
        ({"return_word_box": "yes"}, "return_word_box.*True or False"),
        ({"use_doc_unwarping": "yes"}, "use_doc_unwarping.*True or False"),
        ({"device": "gpu:0"}, "'cpu'.*'gpu:0'"),
        ({"text_det_treshold": 0.5}, "did you mean 'text_det_thresh'"),
    ],
)
def test_a_wrong_option_is_refused_before_the_first_page(
    pipeline: OCRPipeline, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        pipeline.predict("no such file", **options)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_module_that_is_not_loaded_can_be_declined_but_not_asked_for(page: np.ndarray, name: str) -> None:
    without = create_pipeline("OCR", engine="fake", **{name: False})
    with pytest.raises(OptionError, match=f"{name}.*not loaded.*{name}=True"):
        without.predict(page, **{name: True})
    assert len(_read(without, page, **{name: False})["rec_texts"]) == 3


@pytest.mark.parametrize("name", SWITCHES)
def test_a_loaded_module_can_be_switched_off_for_a_call(
    pipeline: OCRPipeline, page: np.ndarray, name: str
) -> None:
    on, off = _read(pipeline, page), _read(pipeline, page, **{name: False})
    assert _said(on)[name] is True
    assert _said(off) == {**_said(on), name: False}


def test_without_preprocessing_a_result_has_no_such_block(pipeline: OCRPipeline, page: np.ndarray) -> None:
    fields = _read(pipeline, page, use_doc_orientation_classify=False, use_doc_unwarping=False)
    assert "doc_preprocessor_res" not in fields
    assert fields["model_settings"] == {"use_doc_preprocessor": False, "use_textline_orientation": True}


def _said(fields: dict[str, Any]) -> dict[str, bool]:
    lines = {"use_textline_orientation": fields["model_settings"]["use_textline_orientation"]}
    return fields["doc_preprocessor_res"]["model_settings"] | lines


def test_the_pipelines_own_device_may_be_named(pipeline: OCRPipeline, page: np.ndarray) -> None:
    assert len(_read(pipeline, page, device="cpu")["rec_texts"]) == 3


def test_options_given_at_creation_are_the_defaults_of_its_calls(page: np.ndarray) -> None:
    pipeline = create_pipeline("OCR", engine="fake", text_rec_score_thresh=1.0, return_word_box=True)
    fields = _read(pipeline, page)
    assert fields["rec_texts"] == fields["text_word"] == []
    assert len(_read(pipeline, page, text_rec_score_thresh=0.0, return_word_box=False)["rec_texts"]) == 3


def test_an_unknown_option_at_creation_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'text_det_treshold'.*'text_det_thresh'"):
        create_pipeline("OCR", engine="fake", text_det_treshold=0.3)
