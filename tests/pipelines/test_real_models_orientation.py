"""The classifiers and the unwarper, on real weights, with the preprocessing their configurations say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from real_weights import INK, SOURCES, real_files, real_session, written_page

from pipelines import create_pipeline
from pipelines.draw.raster import set_line
from pipelines.models import MODELS, Module
from pipelines.preprocess import Classifier, Unwarper

_LINE = "Payment is due within thirty days of receipt"
_LINE_CLASSIFIERS = ("PP-LCNet_x1_0_textline_ori", "ch_ppocr_mobile_v2.0_cls")
_WRITTEN = ("Invoice 20417 for Miss Ada", "今天的天气非常好", "Paid by bank transfer", "北京市海淀区")
_BENT = 30  # pixels by which the middle of the bent page hangs


@pytest.fixture(scope="module")
def page() -> NDArray[np.uint8]:
    """A (700, 500, 3) page of 20 lines."""
    page = np.full((700, 500, 3), 255, dtype=np.uint8)
    for top in range(40, 650, 32):
        corners = [[40, top], [440, top], [440, top + 24], [40, top + 24]]
        set_line(page, np.array(corners, dtype=np.float64), _LINE[top % 11 :], INK)
    return page


def test_a_page_is_told_by_how_far_it_was_turned(page: NDArray[np.uint8]) -> None:
    files = real_files("PP-LCNet_x1_0_doc_ori")
    classifier = Classifier(real_session(files), files)
    turned = [np.ascontiguousarray(np.rot90(page, -quarters)) for quarters in range(4)]
    verdicts = [classifier.classify([picture])[0] for picture in turned]
    assert [verdict.label for verdict in verdicts] == ["0", "90", "180", "270"]
    assert min(verdict.score for verdict in verdicts) > 0.8


@pytest.mark.parametrize("name", _LINE_CLASSIFIERS)
def test_a_line_on_its_head_is_told_from_one_upright(name: str, page: NDArray[np.uint8]) -> None:
    files = real_files(name)
    classifier = Classifier(real_session(files), files)
    lines = [page[top - 4 : top + 30, 36:444] for top in range(40, 360, 32)]
    upright = classifier.classify(lines)
    turned = classifier.classify([np.ascontiguousarray(line[::-1, ::-1]) for line in lines])
    assert {verdict.label for verdict in upright} == {"0_degree"}
    assert {verdict.label for verdict in turned} == {"180_degree"}


@pytest.mark.parametrize("gate", [None, 0])
@pytest.mark.parametrize("name", _LINE_CLASSIFIERS)
def test_lines_on_their_head_are_read_and_their_angles_stand_beside_their_polygons(
    name: str, gate: float | None
) -> None:
    for model in (name, "PP-OCRv6_tiny_det", "PP-OCRv6_small_rec"):
        real_files(model, "onnx")
    modules = {
        "TextDetection": {"model_name": "PP-OCRv6_tiny_det"},
        "TextLineOrientation": {"model_name": name},
        "TextRecognition": {"model_name": "PP-OCRv6_small_rec", "return_word_box": True},
    }
    pipeline = create_pipeline(
        config={"pipeline_name": "OCR", "use_doc_preprocessor": False, "SubModules": modules},
        engine="onnxruntime",
        engine_config={"threads": 2},
        model_source=SOURCES,
    )
    page = written_page(_WRITTEN)
    for top in (116, 204):  # the second line and the third, half a line of paper above and below
        page[top : top + 84] = page[top : top + 84][::-1, ::-1].copy()
    (result,) = pipeline.predict(page, textline_orientation_thresh=gate)
    assert result["rec_texts"] == list(_WRITTEN)
    assert result["textline_orientation_angles"] == [0, 1, 1, 0]
    assert len(result["dt_polys"]) == len(_WRITTEN)
    firsts = [np.mean(quads[0], axis=0)[0] for quads in result["text_char_polys"]]
    lasts = [np.mean(quads[-1], axis=0)[0] for quads in result["text_char_polys"]]
    assert [first < last for first, last in zip(firsts, lasts, strict=True)] == [True, False, False, True]


def test_the_unwarper_finds_how_far_a_page_hangs(page: NDArray[np.uint8]) -> None:
    files = real_files("UVDoc")
    unwarper = Unwarper(lambda: real_session(files), files)
    sags = []
    for bent in (0, _BENT):
        photo = _photographed(page, bent)
        _, y = unwarper.grid(unwarper.shrink(photo)) * ((photo.shape[0] - 1) / 2)
        middle = y[len(y) // 2]
        sags.append(middle[len(middle) // 2] - (middle[0] + middle[-1]) / 2)
    assert sags == pytest.approx([0, _BENT], abs=6)


def _photographed(page: NDArray[np.uint8], bent: int) -> NDArray[np.uint8]:
    """The page on a grey table, its middle hanging by `bent` pixels."""
    height, width = page.shape[:2]
    y, x = np.mgrid[0 : height + 120, 0 : width + 120].astype(np.float32) - 60
    y -= bent * np.sin(np.pi * x / width, dtype=np.float32)
    photo = cv2.remap(page, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(90, 90, 90))
    return photo.astype(np.uint8, copy=False)


def test_no_model_of_a_wheel_is_left_out() -> None:
    reading = (Module.TEXT_DETECTION, Module.TEXT_RECOGNITION)
    carried = {spec.name for spec in MODELS.values() if spec.wheels and spec.module not in reading}
    tried = {"PP-LCNet_x1_0_doc_ori", "PP-LCNet_x1_0_textline_ori", "ch_ppocr_mobile_v2.0_cls", "UVDoc"}
    assert tried == carried
