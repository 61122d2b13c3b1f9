"""A detector's last layers, said otherwise for OpenVINO, answer as they did."""

from __future__ import annotations

import cv2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from real_weights import real_files

from pipelines.engines.openvino_detection import probabilities_of, with_logits
from pipelines.models import Form
from pipelines.pixels import Normalizer
from pipelines.selfcheck import known_page

NETWORKS: list[tuple[str, Form]] = [
    ("PP-OCRv6_small_det", "onnx"),
    ("PP-OCRv6_tiny_det", "onnx"),
    ("PP-OCRv5_mobile_det", "onnx"),
    ("PP-OCRv4_mobile_det", "onnx"),
    ("PP-OCRv4_mobile_det", "paddle"),
    ("PP-OCRv3_mobile_det", "onnx"),
]


def _answer(model: ov.Model, batch: np.ndarray) -> np.ndarray:
    network = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(network({0: batch})[0])


@pytest.mark.parametrize(("name", "form"), NETWORKS, ids=str)
def test_probabilities_are_those_of_the_network_as_it_came(name: str, form: Form) -> None:
    graph = real_files(name, form).graph
    page = cv2.resize(known_page(), (320, 192)).astype(np.uint8, copy=False)
    batch = np.empty((1, 3, 192, 320), dtype=np.float32)
    Normalizer.from_moments((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 255)(page, batch[0])
    expected = _answer(ov.Core().read_model(graph), batch)
    changed = with_logits(ov.Core().read_model(graph))
    assert changed is not None
    assert expected.max() > 0.9
    assert probabilities_of(_answer(changed, batch)) == pytest.approx(expected, abs=1e-5)


def test_a_network_that_ends_otherwise_is_left_as_it_is() -> None:
    page = ops.parameter([1, 8, -1, -1], np.float32)

    def doubled(features: ov.Node, outputs: int, kernel: int, stride: int) -> ov.Node:
        weights = ops.constant(np.ones((8, outputs, kernel, kernel), np.float32))
        product = ops.convolution_backprop_data(features, weights, [stride, stride])
        return ops.add(product, ops.constant(np.zeros((1, outputs, 1, 1), np.float32)))

    def ends_with(*, kernel: int, stride: int) -> ov.Model:
        hidden = ops.relu(doubled(page, 8, kernel, stride))
        return ov.Model([ops.sigmoid(doubled(hidden, 1, kernel, stride))], [page])

    assert with_logits(ends_with(kernel=2, stride=2)) is not None
    assert with_logits(ends_with(kernel=3, stride=2)) is None
    assert with_logits(ends_with(kernel=2, stride=1)) is None
    assert with_logits(ov.Model([ops.sigmoid(page)], [page])) is None
    assert with_logits(ov.Model([ops.relu(page)], [page])) is None


def test_the_ends_of_the_sigmoid_are_zero_and_one() -> None:
    logits = np.array([-200.0, -88.0, 0.0, 3.0, 200.0], dtype=np.float32)
    assert probabilities_of(logits) == pytest.approx([0.0, 0.0, 0.5, 1 / (1 + np.exp(-3.0)), 1.0], abs=1e-7)
