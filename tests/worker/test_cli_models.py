"""`pageline models`: what a name stands for."""

from __future__ import annotations

from worker.cli.weights import models_of


def test_a_pipeline_stands_for_its_models_in_the_form_it_will_load() -> None:
    assert models_of("OCR") == [("PP-OCRv6_small_det", "onnx"), ("PP-OCRv6_small_rec", "onnx")]
    assert models_of("OCR-v4") == [("PP-OCRv4_mobile_det", "paddle"), ("PP-OCRv4_mobile_rec", "paddle")]


def test_any_other_name_is_a_model_s_own_in_whatever_form_there_is() -> None:
    assert models_of("PP-OCRv4_mobile_det") == [("PP-OCRv4_mobile_det", None)]
