from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipelines import create_pipeline
from pipelines.devices import Device
from pipelines.engines import choose
from pipelines.engines.fake import FakeEngine
from pipelines.errors import OptionError
from pipelines.ocr import OCRPipeline


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> OCRPipeline:
    """A pipeline whose made-up engine claims to reach GPUs."""
    monkeypatch.setitem(choose._ENGINES, "fake", replace(choose._ENGINES["fake"], kinds=("cpu", "gpu")))
    monkeypatch.setattr(FakeEngine, "unreached", classmethod(lambda _cls, _device: None))
    return create_pipeline("OCR", device="gpu:0,1", engine="fake")


def _pages(count: int) -> list[np.ndarray]:
    pages = []
    for number in range(count):
        page = np.full((160, 400, 3), 255, dtype=np.uint8)
        cv2.putText(page, f"page {number}", (20, 90), cv2.FONT_HERSHEY_DUPLEX, 2, (0, 0, 0), 3)
        pages.append(page)
    return pages


def test_pages_are_shared_out_and_come_in_order(two_gpus: OCRPipeline) -> None:
    pages = _pages(12)
    results = list(two_gpus.predict(pages))
    assert [result.position for result in results] == list(range(12))
    alone = create_pipeline("OCR", engine="fake")
    assert [r["rec_texts"] for r in results] == [r["rec_texts"] for r in alone.predict(pages)]
    assert {r["pipeline"]["device"] for r in results} <= {"gpu:0", "gpu:1"}
    assert two_gpus.describe()["device"] == "gpu:0,1"


@pytest.mark.parametrize("device", ["gpu:0", "gpu:1"])
def test_a_call_may_ask_for_one_of_them(two_gpus: OCRPipeline, device: str) -> None:
    results = list(two_gpus.predict(_pages(3), device=device))
    assert {result["pipeline"]["device"] for result in results} == {device}


@pytest.mark.parametrize("device", ["cpu", "gpu:2", "gpu:0,2"])
def test_a_device_it_was_not_made_for_is_refused(two_gpus: OCRPipeline, device: str) -> None:
    with pytest.raises(OptionError, match="made for 'gpu:0,1'"):
        two_gpus.predict(_pages(1), device=device)


def test_both_are_warmed_up(two_gpus: OCRPipeline) -> None:
    assert two_gpus.warm_up().alike == 1.0
    assert [lane.device for lane in two_gpus._lanes.ready()] == [Device("gpu", (0,)), Device("gpu", (1,))]
