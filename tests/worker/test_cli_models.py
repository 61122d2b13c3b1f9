"""`pageline models`: what a name stands for."""

from __future__ import annotations

from worker.cli.weights import models_of


def test_a_pipeline_stands_for_its_models_in_the_form_it_will_load() -> None:
    around = [
        ("PP-LCNet_x1_0_doc_ori", "onnx"),
        ("UVDoc", "onnx"),
        ("PP-LCNet_x1_0_textline_ori", "onnx"),
    ]
    assert models_of("OCR") == [*around, ("PP-OCRv6_small_det", "onnx"), ("PP-OCRv6_small_rec", "onnx")]
    assert models_of("OCR-v4") == [
        *around,
        ("PP-OCRv4_mobile_det", "paddle"),
        ("PP-OCRv4_mobile_rec", "paddle"),
    ]


def test_any_other_name_is_a_model_s_own_in_whatever_form_there_is() -> None:
    assert models_of("PP-OCRv4_mobile_det") == [("PP-OCRv4_mobile_det", None)]
