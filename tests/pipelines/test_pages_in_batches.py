"""How a device that takes pages in batches behaves: one suite for the double and for real hardware.

By itself it runs on the double. With PAGELINE_TEST_DEVICE=gpu:0 (and PAGELINE_TEST_ENGINE, else `auto`) all
but what needs faults on order runs on that device; `benchmarks/device_check.py` does so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from crew import wait_for
from device_double import CARDS, Card, plug_in
from numpy.typing import NDArray

from pipelines import create_pipeline
from pipelines.config.loading import load_config
from pipelines.devices import parse_device
from pipelines.engines.batching import MOST_PAGES, PAGE_PIXELS, Batcher, batch_sizes, pages_for
from pipelines.errors import DeviceLost, DeviceUnavailable, EngineError, OptionError, OutOfMemory
from pipelines.ocr import OCRPipeline
from pipelines.result import OCRResult

REAL = os.environ.get("PAGELINE_TEST_DEVICE")
ENGINE = os.environ.get("PAGELINE_TEST_ENGINE", "auto") if REAL else "double"
DEVICE = REAL or "gpu:0"
GIB = 1 << 30
faults = pytest.mark.skipif(REAL is not None, reason="a real device does not fail on order")
Page = NDArray[np.uint8]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """The device, where it is the double."""
    made = Card()
    if REAL is None:
        plug_in(monkeypatch, gpu_0=made)
    return made


@pytest.fixture
def pipeline(card: Card) -> OCRPipeline:
    """A pipeline that takes four pages at once, not warmed up."""
    return create_pipeline("OCR", device=DEVICE, engine=ENGINE, engine_config={"batch": 4})


def warm(device: str = DEVICE, **engine_config: Any) -> OCRPipeline:
    made = create_pipeline("OCR", device=device, engine=ENGINE, engine_config=engine_config)
    made.warm_up()
    return made


def page(number: int, *, lines: int = 4, size: tuple[int, int] = (320, 480)) -> Page:
    made = np.full((*size, 3), 255, dtype=np.uint8)
    for line in range(lines):
        text = f"Page {number} line {line} says {(number * 7 + line) % 97}"
        cv2.putText(made, text, (20, 60 + 60 * line), cv2.FONT_HERSHEY_DUPLEX, 0.8, (0, 0, 0), 2)
    return made


def texts(results: Iterator[OCRResult]) -> list[list[str]]:
    return [result["rec_texts"] for result in results]


def test_pages_read_side_by_side_read_as_each_alone(pipeline: OCRPipeline) -> None:
    pages = [page(number) for number in range(10)]
    alone = create_pipeline("OCR", device=DEVICE, engine=ENGINE, engine_config={"batch": 1})
    expected = texts(alone.predict(pages))
    assert texts(pipeline.predict(pages)) == expected
    assert len({tuple(lines) for lines in expected}) == len(pages)
    assert pipeline.pages_at_once == 8


def test_threads_of_different_documents_share_the_device(pipeline: OCRPipeline) -> None:
    """As a worker does that holds several ranges: each thread its own pages."""
    documents = [[page(10 * document + number) for number in range(3)] for document in range(4)]
    expected = [texts(pipeline.predict(pages)) for pages in documents]
    with ThreadPoolExecutor(len(documents)) as pool:
        found = list(pool.map(lambda pages: [texts(pipeline.predict(one))[0] for one in pages], documents))
    assert found == expected


def test_pages_of_many_sizes_go_together(pipeline: OCRPipeline) -> None:
    sizes = [(320, 480), (480, 320), (200, 900), (64, 64)]
    pages = [page(number, lines=2, size=size) for number, size in enumerate(sizes * 2)]
    together = texts(pipeline.predict(pages))
    assert together == [texts(pipeline.predict(one))[0] for one in pages]


@faults
@pytest.mark.parametrize(("part", "expected"), [("_det", [1, 4, 2, 1]), ("_rec", [4, 16, 8, 4])])
def test_pages_and_lines_of_several_pages_share_an_inference(
    pipeline: OCRPipeline, card: Card, part: str, expected: list[int]
) -> None:
    """While one inference is under way the others' requests pile up: here it is held until all have."""
    lane = pipeline._lanes.lanes[0]
    stages, batcher, options = lane.load(), lane.batcher, lane.equipment.defaults.detection
    assert batcher is not None
    line = page(1)[30:70]
    read = {
        "_det": lambda: stages.detector.detect(page(1), options),
        "_rec": lambda: stages.recognizer.read([line] * 4),
    }
    read[part]()
    alone, card.busy = 8 * card.busy, 0.0  # eight times what one takes
    card.ran.clear()
    card.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(read[part]) for _ in range(8)]
        wait_for(lambda: len(batcher._waiting) == 7, "the first at the gate, the others behind")
        card.gate.set()
        answers = [one.result() for one in reading]
    assert len(answers) == 8
    assert [shape[0] for model, shape in card.ran if part in model] == expected
    assert card.busy < 0.7 * alone  # a start for each inference, not for each page
    assert card.most_together == 1


@faults
def test_the_batch_goes_by_the_memory(card: Card) -> None:
    asked = {memory: pages_for(memory) for memory in (None, GIB // 2, 4 * GIB, 16 * GIB, 140 * GIB)}
    assert asked == {None: 1, GIB // 2: 1, 4 * GIB: 2, 16 * GIB: 9, 140 * GIB: MOST_PAGES}
    card.memory = 4 * GIB
    assert warm().pages_at_once == 2 * pages_for(4 * GIB)
    card.memory = None
    lone = warm()
    assert (lone.pages_at_once, lone.batching) == (1, None)


@faults
def test_paddlex_s_batch_size_is_how_many_pages_go_together(card: Card) -> None:
    config = load_config("OCR") | {"batch_size": 3}
    said = create_pipeline(config=config, device=DEVICE, engine=ENGINE)
    asked = create_pipeline(config=config, device=DEVICE, engine=ENGINE, engine_config={"batch": 2})
    assert said.batching is not None
    assert asked.batching is not None
    assert (said.batching.pages, asked.batching.pages) == (3, 2)
    assert create_pipeline(config=config, device="cpu", engine="fake").batching is None


@faults
def test_every_page_enters_detection_at_the_size_that_input_shape_says(card: Card) -> None:
    config = load_config("OCR")
    config["SubModules"]["TextDetection"]["input_shape"] = [3, 320, 640]
    (result,) = create_pipeline(config=config, device=DEVICE, engine=ENGINE).predict(page(1))
    assert {shape[1:] for model, shape in card.ran if model.endswith("_det")} == {(3, 320, 640)}
    assert len(result["rec_texts"]) == 4


def test_warming_up_prepares_every_size_of_every_usual_shape(pipeline: OCRPipeline, card: Card) -> None:
    report = pipeline.warm_up()
    assert report.shapes > 100
    if REAL is None:
        assert {1, 2, 4} <= set(card.sizes("_det"))
        assert {1, 2, 4, 8, 16, 32, 64, 128} == set(card.sizes("_rec"))
        card.ran.clear()
        list(pipeline.predict([page(number) for number in range(3)]))
        assert all(shape[0] & (shape[0] - 1) == 0 for _, shape in card.ran)  # no size that was not prepared


def test_sizes_are_a_closed_set() -> None:
    assert [list(batch_sizes(most)) for most in (0, 1, 3, 8, 100)] == [
        [1],
        [1],
        [2, 1],
        [8, 4, 2, 1],
        [64, 32, 16, 8, 4, 2, 1],
    ]


@faults
def test_out_of_memory_halves_the_batch_says_so_and_loses_no_page(
    card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    card.room = 3 * PAGE_PIXELS // 2  # less than the eight pages that are asked for
    pipeline = warm(batch=8)
    batching = pipeline.batching
    assert batching is not None
    assert (batching.pages, batching.halved) == (1, 2)
    assert caplog.text.count("from now on for half of that") == 2
    assert "gpu:0" in caplog.text
    refused, pages = card.refused, [page(number) for number in range(6)]
    assert len(texts(pipeline.predict(pages))) == 6
    assert card.refused == refused  # what it has learnt holds


@faults
def test_memory_that_runs_short_later_is_met_in_the_middle_of_a_batch(card: Card) -> None:
    pipeline = warm(batch=4)
    pages = [page(number, size=(960, 672)) for number in range(8)]
    expected = texts(pipeline.predict(pages))
    card.room = PAGE_PIXELS
    assert texts(pipeline.predict(pages)) == expected
    assert pipeline.batching is not None
    assert pipeline.batching.pages == 1


@faults
def test_a_page_that_alone_is_too_large_fails_alone(card: Card) -> None:
    pipeline = warm(batch=4)
    card.room = 320 * 480
    small, large = page(1), page(2, size=(960, 960))
    outcomes = read_each(pipeline, [small, large, page(3)])
    assert [isinstance(one, OutOfMemory) for one in outcomes] == [False, True, False]


@faults
def test_a_page_that_breaks_its_batch_does_not_fail_its_neighbours(pipeline: OCRPipeline, card: Card) -> None:
    spoilt = page(99)
    spoilt[0, 0] = 7
    card.gate.clear()
    card.poison = float(pipeline._lanes.lanes[0].load().detector._settings.normalizer._tables[0][7])
    outcomes = read_each(pipeline, [page(1), page(2), spoilt, page(3), page(4)], start=card.gate.set)
    assert [isinstance(one, EngineError) for one in outcomes] == [False, False, True, False, False]


@faults
def test_a_lost_device_fails_all_that_is_asked_of_it_from_then_on(pipeline: OCRPipeline, card: Card) -> None:
    card.lose_at = card._count + 2
    outcomes = read_each(pipeline, [page(1), page(2)])
    assert all(isinstance(one, DeviceLost) for one in outcomes)
    asked = card._count
    assert isinstance(read_each(pipeline, [page(3)])[0], DeviceLost)
    assert card._count == asked  # whatever is asked of it now may hang


@faults
def test_a_device_that_is_not_there_is_refused(card: Card) -> None:
    card.present = False
    with pytest.raises(DeviceUnavailable, match="its driver finds no such device"):
        create_pipeline("OCR", device="gpu:0", engine="double")


@faults
def test_two_devices_fill_batches_of_their_own(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CARDS, "gpu:1", Card(memory=4 * GIB))
    pipeline = warm("gpu:0,1")
    assert pipeline.pages_at_once == 2 * (pages_for(8 * GIB) + pages_for(4 * GIB))
    assert pipeline.batching is not None
    assert pipeline.batching.pages == pages_for(4 * GIB)
    results = list(pipeline.predict([page(number) for number in range(30)]))
    assert {result["pipeline"]["device"] for result in results} == {"gpu:0", "gpu:1"}


def test_a_cpu_takes_pages_one_by_one() -> None:
    pipeline = create_pipeline("OCR", device="cpu", engine="fake")
    assert (pipeline.pages_at_once, pipeline.batching) == (1, None)
    with pytest.raises(OptionError, match="one by one"):
        create_pipeline("OCR", device="cpu", engine="fake", engine_config={"batch": 4})
    with pytest.raises(OptionError, match="batch"):
        create_pipeline("OCR", device="cpu", engine="fake", engine_config={"batch": -1})


def test_errors_of_another_kind_leave_the_batcher_usable() -> None:
    batcher = Batcher(str(parse_device("gpu:0")), 2)

    class Odd:
        streams = 1

        def run(self, batch: Any) -> list[Any]:
            if batch.shape[2] == 1:
                raise ZeroDivisionError
            return [batch + 1]

    session = batcher.session(Odd())
    with pytest.raises(ZeroDivisionError):
        session.run(np.zeros((1, 3, 1, 1), np.float32))
    assert session.run(np.zeros((5, 3, 2, 2), np.float32))[0].sum() == 60


def read_each(
    pipeline: OCRPipeline, pages: list[Page], *, start: Callable[[], None] | None = None
) -> list[OCRResult | Exception]:
    """Each page's result or error, all read at once; `start` is called when every thread is at work."""
    begun = threading.Barrier(len(pages) + 1)

    def one(image: Page) -> OCRResult | Exception:
        begun.wait()
        try:
            return next(pipeline.predict(image))
        except EngineError as error:
            return error

    with ThreadPoolExecutor(len(pages)) as pool:
        futures = [pool.submit(one, image) for image in pages]
        begun.wait()
        if start is not None:
            batcher = pipeline._lanes.lanes[0].batcher
            assert batcher is not None
            wait_for(lambda: len(batcher._waiting) == len(pages) - 1, "all pages but one behind the gate")
            start()
        return [future.result() for future in futures]
