"""Doubtful lines go out in PPOCRLabel's form; weights that learnt from them come in by `model_dir`."""

from __future__ import annotations

import json
import shutil
from math import inf
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from desk import Desk
from real_weights import real_files, written_page

from infra.errors import NotFound
from infra.status.states import Mode
from infra.status.work import PageRange
from pipelines import create_pipeline
from tasks.context import storage_at
from tasks.ledger import read_request
from tasks.queues import PAGES
from tasks.samples import SampleFolder, as_read, export_document, lines_of
from tasks.sweep import sweep

_LINES = ("Invoice number 20417", "paid by bank transfer")


def labels(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """`Label.txt` as PPOCRLabel reads it: a tab between the picture's path and the list."""
    rows = (folder / "Label.txt").read_text("utf-8").splitlines()
    return {name: json.loads(said) for name, said in (row.split("\t") for row in rows)}


def readings(folder: Path) -> dict[str, str]:
    """`rec_gt.txt` as PaddleOCR's training reads it."""
    rows = (folder / "rec_gt.txt").read_text("utf-8").splitlines()
    return dict(row.split("\t") for row in rows)


def export(desk: Desk, document: str, target: Path, below: float, limit: float = inf) -> SampleFolder:
    settings = desk.settings
    results = storage_at(settings.results, settings.s3)
    folder = desk.context.folder(document)
    assert folder is not None
    samples = SampleFolder(target, limit)
    export_document(settings, results, folder, read_request(results, folder), samples, below)
    return samples


@pytest.fixture
def read(desk: Desk) -> str:
    """A document of three pages with a line each, which the made-up engine is 0.9 sure of."""
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work()
    return document


def test_pages_crops_and_readings_are_where_the_tools_look_for_them(
    desk: Desk, read: str, tmp_path: Path
) -> None:
    target = tmp_path / "samples"
    samples = export(desk, read, target, 0.95)
    assert (samples.pages, samples.crops) == (3, 3)
    for name, lines in labels(target).items():
        page = cv2.imread(str(target.parent / name))
        for line in lines:
            points = np.array(line["points"])
            assert (points >= 0).all()
            assert (points <= page.shape[1::-1]).all()
            assert line["difficult"] is False
    assert {path.name for path in (target / "crop_img").iterdir()} == {
        Path(name).name for name in readings(target)
    }
    assert set(readings(target).values()) == {
        line["transcription"] for lines in labels(target).values() for line in lines
    }


def test_what_is_sure_is_left_out_and_a_second_export_adds(desk: Desk, read: str, tmp_path: Path) -> None:
    target = tmp_path / "samples"
    assert export(desk, read, target, 0.5).crops == 0
    assert not (target / "Label.txt").exists()
    export(desk, read, target, 0.95)
    desk.pdf("b.pdf", pages=1)
    other = desk.ingest("b.pdf")
    desk.work()
    assert export(desk, other, target, 0.95).crops == 1
    assert len(labels(target)) == 4


def test_a_second_export_repeats_nothing_and_leaves_what_was_put_right(
    desk: Desk, read: str, tmp_path: Path
) -> None:
    target = tmp_path / "samples"
    export(desk, read, target, 0.95)
    put_right = (target / "rec_gt.txt").read_text().replace("\t", "\tput right: ", 1)
    (target / "rec_gt.txt").write_text(put_right)
    before = (target / "Label.txt").read_bytes()
    again = export(desk, read, target, 0.95)
    assert (again.crops, again.repeated) == (0, 3)
    assert (target / "rec_gt.txt").read_text() == put_right
    assert (target / "Label.txt").read_bytes() == before


def test_a_limit_ends_an_export_within_a_document(desk: Desk, read: str, tmp_path: Path) -> None:
    samples = export(desk, read, tmp_path / "samples", 0.95, limit=2)
    assert (samples.crops, samples.full) == (2, True)
    more = export(desk, read, tmp_path / "samples", 0.95, limit=2)
    assert (more.crops, more.repeated) == (1, 2)


def test_a_page_read_in_quarantine_is_cut_at_the_resolution_it_was_read_at(
    desk: Desk, tmp_path: Path
) -> None:
    desk.pdf(pages=1)
    document = desk.ingest(options={"dpi": 144})
    desk.work(until=PAGES)
    desk.messages.clear()
    for mode in (Mode.NORMAL, Mode.ALONE):
        pages = PageRange(document, 1, 1, 1, mode)
        desk.store.status.begin_range(pages, "dead#1#1")
        desk.store.status.begin_page(pages, 1, "dead#1#1")
        desk.store.status.forfeit("dead", 2)
        sweep(desk.tools)
    desk.due()
    desk.work()
    page = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())["page"]
    assert page["dpi"] == 72
    target = tmp_path / "samples"
    export(desk, document, target, 0.95)
    (name,) = labels(target)
    assert cv2.imread(str(target.parent / name)).shape[1::-1] == (page["width"], page["height"])


def test_a_source_that_is_gone_is_said_so(desk: Desk, read: str, tmp_path: Path) -> None:
    (desk.inbox / "a.pdf").unlink()
    with pytest.raises(NotFound):
        export(desk, read, tmp_path / "samples", 0.95)


def test_a_line_on_its_head_is_cut_out_upright() -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[10:20, 10:20] = 255  # at the end of the line's text, as it stands on its head
    quad = [[10, 10], [90, 10], [90, 30], [10, 30]]
    page = {
        "dt_polys": [quad],
        "textline_orientation_angles": [1],
        "rec_texts": ["two\twords "],
        "rec_scores": [0.4],
        "rec_polys": [quad],
    }
    (line,) = lines_of(page)
    assert line.label() == {
        "transcription": "two words",
        "points": [[90, 30], [10, 30], [10, 10], [90, 10]],
        "difficult": False,
    }
    crop = line.crop(image)
    assert crop[-5, -5].all()
    assert not crop[5, 5].any()


def test_a_turned_page_is_shown_as_it_was_read() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    turned = as_read(image, {"angle": 90, "grid": None})
    assert (turned == np.rot90(image)).all()


def test_weights_that_learnt_from_samples_come_back_in_by_model_dir(tmp_path: Path) -> None:
    """Out of the pipeline, into PPOCRLabel's form, and back in as PaddleOCR leaves a model it has trained."""
    config: dict[str, Any] = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": False,
        "use_textline_orientation": False,
        "SubModules": {
            "TextDetection": {"model_name": "PP-OCRv4_mobile_det"},
            "TextRecognition": {"model_name": "PP-OCRv4_mobile_rec"},
        },
    }
    files = real_files("PP-OCRv4_mobile_rec", "onnx")
    real_files("PP-OCRv4_mobile_det", "onnx")
    page = written_page(_LINES)
    read = next(create_pipeline(config=config, engine="onnxruntime").predict(page)).json["res"]
    target = tmp_path / "samples"
    SampleFolder(target).add("page", page, lines_of(read), below=1.1)

    trained = tmp_path / "receipts_rec"  # a training's export: the graph, and how it is to be fed
    trained.mkdir()
    shutil.copy(files.graph, trained / "inference.onnx")
    said = (files.folder / "inference.yml").read_text("utf-8")
    (trained / "inference.yml").write_text(said.replace("PP-OCRv4_mobile_rec", "receipts_rec"), "utf-8")
    config["SubModules"]["TextRecognition"]["model_dir"] = str(trained)
    tuned = create_pipeline(config=config, engine="onnxruntime")
    tuned.warm_up()
    recognizer = tuned._lanes.ready()[0].load().recognizer
    crops = [cv2.imread(str(target / name)).astype(np.uint8) for name in readings(target)]
    assert [line.text for line in recognizer.read(crops)] == list(readings(target).values())
    assert next(tuned.predict(str(target / "page.jpg"))).json["res"]["rec_texts"] == read["rec_texts"]
    assert tuned.describe()["models"][-1]["source"] == "model_dir"
