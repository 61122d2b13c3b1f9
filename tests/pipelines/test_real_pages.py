"""The default pipeline on real weights and real pages."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services import absent

from pipelines import create_pipeline
from pipelines.errors import WeightsError
from pipelines.models import resolve
from pipelines.ocr import OCRPipeline
from pipelines.selfcheck import LINES, known_page

PAGES = ("cnocr_helloworld", "ic15_img_6", "sroie_000")


@pytest.fixture(scope="module")
def pipelines() -> dict[str, OCRPipeline]:
    try:
        resolve("PP-OCRv6_small_rec")
        made = {
            mode: create_pipeline("OCR", device="cpu", engine_config={"threads": 2, "width_mode": mode})
            for mode in ("bucket", "close", "exact")
        }
        return made | {"default": create_pipeline("OCR", device="cpu")}
    except WeightsError as error:
        absent(str(error))


@pytest.fixture(scope="module")
def readings(pipelines: dict[str, OCRPipeline], dev_data: Path) -> dict[str, list[dict[str, Any]]]:
    images = [next((dev_data / "images").glob(f"{name}.*")) for name in PAGES]
    return {
        mode: [result.json["res"] for result in pipeline.predict(images)]
        for mode, pipeline in pipelines.items()
        if mode != "default"
    }


def _letters(texts: list[str]) -> list[str]:
    return sorted(character for text in texts for character in text.upper() if character.isalnum())


def test_the_known_page_is_read_to_the_letter(pipelines: dict[str, OCRPipeline]) -> None:
    for pipeline in pipelines.values():
        (result,) = pipeline.predict(known_page())
        assert tuple(result["rec_texts"]) == LINES
    assert pipelines["bucket"].warm_up().alike == 1.0


def test_chinese_and_latin_share_a_line(readings: dict[str, list[dict[str, Any]]]) -> None:
    assert readings["bucket"][0]["rec_texts"] == ["Hello world!你好世界"]


def test_a_receipt_is_read_as_its_truth_says(
    readings: dict[str, list[dict[str, Any]]], dev_data: Path
) -> None:
    rows = map(json.loads, (dev_data / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines())
    truth = next(row for row in rows if row["file"].endswith("sroie_000.jpg"))
    wanted = _letters([line["text"] for line in truth["lines"]])
    for mode in ("bucket", "close", "exact"):
        got = _letters(readings[mode][2]["rec_texts"])
        common = sum(min(wanted.count(c), got.count(c)) for c in set(wanted))
        assert 2 * common / (len(wanted) + len(got)) > 0.93


@pytest.mark.parametrize("mode", ["bucket", "close"])
def test_the_width_mode_moves_no_box_and_few_texts(
    readings: dict[str, list[dict[str, Any]]], mode: str
) -> None:
    same = total = 0
    for other, exact in zip(readings[mode], readings["exact"], strict=True):
        assert other["dt_polys"] == exact["dt_polys"]
        assert other["dt_scores"] == pytest.approx(exact["dt_scores"], abs=1e-5)
        total += len(exact["rec_texts"])
        same += sum(a == b for a, b in zip(other["rec_texts"], exact["rec_texts"], strict=True))
    assert same / total >= 0.9


@pytest.mark.parametrize("turn", ["180", "L", "R"])
def test_a_turned_page_is_read_as_if_it_stood_upright(
    pipelines: dict[str, OCRPipeline], dev_data: Path, turn: str
) -> None:
    name = f"tess_phototest-rotated-{turn}.png"
    rows = map(json.loads, (dev_data / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines())
    truth = next(row for row in rows if row["file"].endswith(name))
    (result,) = pipelines["default"].predict(str(dev_data / "images" / name))
    wanted, got = (
        Counter(word for text in texts for word in re.findall(r"\w+", text.upper()))
        for texts in ([line["text"] for line in truth["lines"]], result["rec_texts"])
    )
    assert 2 * (wanted & got).total() / (wanted.total() + got.total()) >= 0.98


def test_polygons_lie_on_the_page(readings: dict[str, list[dict[str, Any]]]) -> None:
    for reading in readings["bucket"]:
        polys = np.array(reading["page"]["source_polys"])
        assert polys.min() >= 0
        assert polys[..., 0].max() <= reading["page"]["width"]
        assert polys[..., 1].max() <= reading["page"]["height"]


def test_a_users_own_folder_of_weights_is_read(tmp_path: Path) -> None:
    try:
        files = {kind: resolve(f"PP-OCRv6_small_{kind}", form="onnx") for kind in ("det", "rec")}
    except WeightsError as error:
        absent(str(error))
    modules = {
        "TextDetection": {"model_name": "PP-OCRv6_small_det", "model_dir": str(files["det"].folder)},
        "TextRecognition": {"model_name": "PP-OCRv6_small_rec", "model_dir": str(files["rec"].folder)},
    }
    config = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": False,
        "use_textline_orientation": False,
        "SubModules": modules,
    }
    pipeline = create_pipeline(config=config, cache_dir=tmp_path)
    (result,) = pipeline.predict(known_page())
    assert tuple(result["rec_texts"]) == LINES
    # The numbers that the configuration leaves out are the model's own.
    params = result["text_det_params"]
    assert (params["thresh"], params["box_thresh"], params["unclip_ratio"]) == (0.2, 0.45, 1.4)
    assert {model["source"] for model in pipeline.describe()["models"]} == {"model_dir"}
    assert not any(tmp_path.iterdir())
