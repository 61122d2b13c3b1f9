"""The search for the best class inside the network answers as the softmax it replaces would."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from real_lines import drawn_line
from real_weights import real_files

from pipelines.ctc import BLANK, kept_steps
from pipelines.engines.base import Session
from pipelines.engines.openvino_engine import OpenVinoEngine
from pipelines.engines.openvino_graph import probabilities_of, with_blocks
from pipelines.engines.settings import EngineSettings
from pipelines.pixels import Normalizer

TEXTS = ("Pageline 2026", "invoice No. 4711: 12.50", "上海证券交易所", "it's lIl1| O0")


def _batch(text: str, width: int = 640) -> np.ndarray:
    line, _ = drawn_line(text, 30)
    batch = np.zeros((1, 3, 48, width), dtype=np.float32)
    line = line[:48]
    Normalizer.centred()(line, batch[0, :, : line.shape[0], : line.shape[1]])
    return batch


def _session(model: str, *, best_class: bool, precision: str = "f32") -> Session:
    engine = OpenVinoEngine(EngineSettings(precision=precision, threads=1))
    return engine.load(real_files(model, "onnx"), best_class=best_class)


@pytest.mark.parametrize("model", ["PP-OCRv6_small_rec", "PP-OCRv6_tiny_rec", "PP-OCRv4_mobile_rec"])
def test_classes_and_probabilities_are_those_of_the_softmax(model: str) -> None:
    whole, best = _session(model, best_class=False), _session(model, best_class=True)
    for text in TEXTS:
        (expected,) = whole.run(_batch(text))
        classes, probabilities = best.run(_batch(text))
        assert np.array_equal(classes, expected.argmax(axis=2))
        kept = kept_steps(classes)
        assert kept.any()
        assert probabilities[kept] == pytest.approx(expected.max(axis=2)[kept], abs=1e-5)
        assert not probabilities[~kept].any()


def test_each_line_of_a_batch_is_given_the_probabilities_of_its_own_steps() -> None:
    session = _session("PP-OCRv6_small_rec", best_class=True)
    lines = [_batch(text) for text in TEXTS[:3]]
    classes, probabilities = session.run(np.concatenate([np.zeros_like(lines[0]), *lines]))
    for row, line in enumerate(lines, start=1):
        alone, sure = session.run(line)
        assert np.array_equal(classes[row], alone[0])
        assert probabilities[row] == pytest.approx(sure[0], abs=1e-6)


def test_the_search_takes_the_place_of_the_softmax_in_every_recogniser_that_can_be_had() -> None:
    for model in ("PP-OCRv6_small_rec", "PP-OCRv6_tiny_rec", "PP-OCRv5_mobile_rec", "PP-OCRv4_mobile_rec"):
        files = real_files(model, "onnx")
        assert with_blocks(ov.Core().read_model(files.graph)) is not None, model


def test_a_network_that_ends_otherwise_is_left_as_it_is() -> None:
    steps = ops.parameter([1, -1, 8], np.float32)
    bare = ops.softmax(steps, 2)
    assert with_blocks(ov.Model([bare], [steps])) is None
    few = ops.matmul(steps, ops.constant(np.ones((8, 40_000), np.float32)), False, False)
    many = ops.softmax(ops.add(few, ops.constant(np.zeros(40_000, np.float32))), 2)
    assert with_blocks(ov.Model([many], [steps])) is None


def test_bfloat16_bits_are_read_as_what_they_stand_for() -> None:
    scores = np.array([[1.0, 3.0, -2.0], [0.5, 0.5, 0.5]], dtype=np.float32)
    bits = (scores.view(np.uint32) >> 16).astype(np.uint16).view(np.float16)
    expected = np.exp(scores).max(axis=1) / np.exp(scores).sum(axis=1)
    assert probabilities_of(bits) == pytest.approx(expected, rel=1e-6)
    assert probabilities_of(scores) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 4, 13])
def test_probabilities_are_the_softmax_of_however_many_rows(rows: int) -> None:
    scores = np.random.default_rng(7).normal(0, 3, (rows, 50)).astype(np.float32)
    expected = np.exp(scores).max(axis=1) / np.exp(scores).sum(axis=1)
    assert probabilities_of(scores) == pytest.approx(expected, rel=1e-5)


def test_steps_that_write_are_neither_blank_nor_a_repeat() -> None:
    classes = np.array([[BLANK, 5, 5, BLANK, 5, 7, 7], [3, 3, 3, 4, BLANK, BLANK, 4]])
    assert kept_steps(classes).tolist() == [
        [False, True, False, False, True, True, False],
        [True, False, False, True, False, False, True],
    ]
