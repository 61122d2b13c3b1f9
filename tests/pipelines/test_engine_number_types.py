"""Sessions take and give float32, whatever real numbers a graph was exported with."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services import absent

from pipelines.engines.choose import make_engine
from pipelines.engines.settings import EngineSettings
from pipelines.errors import EngineError, WeightsError
from pipelines.models import InferenceConfig, ModelFiles, resolve


@pytest.fixture(scope="module")
def half_precision() -> ModelFiles:
    try:
        return resolve("UVDoc", form="onnx")  # float16 in and out
    except WeightsError as error:
        absent(str(error))


def test_engines_agree_on_a_graph_in_float16_and_give_float32(half_precision: ModelFiles) -> None:
    picture = np.random.default_rng(5).random((1, 3, 712, 488), dtype=np.float32)
    settings = EngineSettings(threads=2, precision="f32")
    first, second = (
        make_engine(engine, settings).load(half_precision).run(picture)[0]
        for engine in ("openvino", "onnxruntime")
    )
    assert first.dtype == second.dtype == np.float32
    assert first.shape == second.shape == (1, 2, 45, 31)
    assert -1.1 < first.min() < -0.5 < 0.5 < first.max() < 1.1
    assert np.abs(first - second).max() < 2e-3  # a thousandth of the page's width


def _paddle_graph(folder: Path, dtype: str, *, old: bool) -> ModelFiles:
    """A model that doubles its input and gives it back in the same type, in the newer or the older form."""
    paddle: Any = import_module("paddle")  # its types know no names of types as words

    def save() -> None:
        program, start = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, start):
            given = paddle.static.data("x", [-1, 3, -1, -1], dtype)
            filled = paddle.nn.initializer.Constant(2.0)
            two = paddle.static.create_parameter([1], "float32", "two", default_initializer=filled)
            answer = paddle.cast(paddle.cast(given, "float32") * two, dtype)
            executor = paddle.static.Executor(paddle.CPUPlace())
            executor.run(start)
            paddle.static.save_inference_model(
                str(folder / "inference"), [given], [answer], executor, program=program
            )

    paddle.enable_static()
    try:
        if old:
            with paddle.pir_utils.OldIrGuard():
                save()
        else:
            save()
    finally:
        paddle.disable_static()
    graph = folder / ("inference.pdmodel" if old else "inference.json")
    params = folder / "inference.pdiparams"
    return ModelFiles("double", "paddle", folder, graph, params, InferenceConfig(), "0" * 64, {}, "made here")


@pytest.mark.parametrize("old", [False, True], ids=["json", "pdmodel"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_paddle_gives_a_graph_the_type_it_declares(dtype: str, old: bool, tmp_path: Path) -> None:
    from pipelines.engines.paddle_engine import declared_type  # noqa: PLC0415  -- imports the package

    files = _paddle_graph(tmp_path, dtype, old=old)
    assert declared_type(files.graph, "x") == np.dtype(dtype)
    half = np.full((1, 3, 2, 2), 0.5, dtype=np.float32)
    (answer,) = make_engine("paddle", EngineSettings(threads=1)).load(files).run(half)
    assert answer.dtype == np.float32
    assert np.array_equal(answer, half * 2)


def test_paddle_reads_a_real_model_in_its_newer_form_as_in_its_older_one(tmp_path: Path) -> None:
    try:
        files = resolve("PP-OCRv4_mobile_rec", form="paddle")  # an inference.pdmodel
    except WeightsError as error:
        absent(str(error))
    paddle: Any = import_module("paddle")
    core: Any = paddle.base.core
    program = paddle.pir.translate_to_pir(core.ProgramDesc(files.graph.read_bytes()))
    for operation in program.global_block().ops:
        if operation.name() == "builtin.parameter":
            operation.result(0).persistable = True
    newer = replace(files, graph=tmp_path / "inference.json")
    core.serialize_pir_program(program, str(newer.graph), True, False, True)  # overwrite, compact, trainable
    engine = make_engine("paddle", EngineSettings(threads=2))
    line = np.random.default_rng(5).uniform(-1, 1, (1, 3, 48, 160)).astype(np.float32)
    answers = [engine.load(each).run(line)[0] for each in (files, newer)]
    assert np.abs(answers[0] - answers[1]).max() < 1e-5


@pytest.mark.parametrize("old", [False, True], ids=["json", "pdmodel"])
def test_a_graph_that_takes_integers_is_refused_at_loading(old: bool, tmp_path: Path) -> None:
    files = _paddle_graph(tmp_path, "int32", old=old)
    with pytest.raises(EngineError, match=r"paddle failed at loading double: .*'x' is int32"):
        make_engine("paddle", EngineSettings()).load(files)


def test_an_input_that_the_graph_does_not_have_is_named(tmp_path: Path) -> None:
    from pipelines.engines.paddle_engine import declared_type  # noqa: PLC0415  -- imports the package

    files = _paddle_graph(tmp_path, "float32", old=False)
    with pytest.raises(EngineError, match="'image' is not declared"):
        declared_type(files.graph, "image")
