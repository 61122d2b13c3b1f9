from __future__ import annotations

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import create_pipeline
from pipelines.ocr import OCRPipeline

WORDS = ("first line", "second line", "third line")


@pytest.fixture(scope="module")
def pipeline() -> OCRPipeline:
    return create_pipeline("OCR", engine="fake")


def _page(*lines: str, height: int = 300) -> np.ndarray:
    page = np.full((height, 500, 3), 255, dtype=np.uint8)
    for row, text in enumerate(lines):
        cv2.putText(page, text, (30, 60 + 80 * row), cv2.FONT_HERSHEY_DUPLEX, 1, (0, 0, 0), 2)
    return page


def _read(pipeline: OCRPipeline, page: np.ndarray, **options: Any) -> dict[str, Any]:
    (result,) = pipeline.predict(page, **options)
    fields: dict[str, Any] = result.json["res"]
    return fields


def test_each_line_of_ink_is_found_where_it_is(pipeline: OCRPipeline) -> None:
    fields = _read(pipeline, _page(*WORDS))
    assert len(fields["rec_boxes"]) == 3
    for row, (left, top, right, bottom) in enumerate(fields["rec_boxes"]):
        assert top < 45 + 80 * row < bottom
        assert left <= 32
        assert right >= 170


def test_a_blank_page_has_no_lines(pipeline: OCRPipeline) -> None:
    fields = _read(pipeline, _page())
    for key in ("dt_polys", "dt_scores", "rec_texts", "rec_scores", "rec_polys", "rec_boxes"):
        assert fields[key] == []
    assert fields["page"]["source_polys"] == fields["textline_orientation_angles"] == []


def test_the_same_page_reads_the_same_in_another_pipeline(pipeline: OCRPipeline) -> None:
    again = create_pipeline("OCR", engine="fake")
    texts = _read(pipeline, _page(*WORDS))["rec_texts"]
    assert _read(again, _page(*WORDS))["rec_texts"] == texts
    assert all(len(text) > 3 for text in texts)


def test_other_ink_reads_otherwise_and_only_there(pipeline: OCRPipeline) -> None:
    before = _read(pipeline, _page(*WORDS))["rec_texts"]
    after = _read(pipeline, _page("first line", "second lime", "third line"))["rec_texts"]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_its_words_do_not_depend_on_the_canvas() -> None:
    exact = create_pipeline("OCR", engine="fake", engine_config={"width_mode": "exact"})
    bucket = create_pipeline("OCR", engine="fake")
    page = _page("ab", "abc")
    assert _read(exact, page)["rec_texts"] == _read(bucket, page)["rec_texts"]


def test_it_warms_up_and_says_what_it_is(pipeline: OCRPipeline) -> None:
    report = pipeline.warm_up()
    assert (report.engine, report.precision, report.alike) == ("fake", "f32", 1.0)
    described = pipeline.describe()
    assert described["engine"] == "fake"
    assert {model["source"] for model in described["models"]} == {"made up"}


def test_it_needs_no_weights_no_engine_and_no_network(tmp_path: Any) -> None:
    script = """
import sys, socket
socket.socket.connect = None
import numpy as np
from pipelines import create_pipeline
pipeline = create_pipeline("OCR", engine="fake", cache_dir=sys.argv[1])
pipeline.warm_up()
list(pipeline.predict(np.full((64, 64, 3), 255, np.uint8)))
print(sorted({"openvino", "onnxruntime", "paddle", "scipy", "torch"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "cache")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "cache").exists()
