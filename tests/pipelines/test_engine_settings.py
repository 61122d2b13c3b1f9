"""Settings reach the engine they are meant for, and no other takes them in silence."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from services import absent

from pipelines.devices import CPU, Device
from pipelines.engines import default, onnxruntime_providers, openvino_engine, paddle_devices
from pipelines.engines.base import check_graph
from pipelines.engines.choose import make_engine
from pipelines.engines.openvino_engine import StaticSession, precisions
from pipelines.engines.settings import EngineSettings
from pipelines.errors import ConfigError, EngineError, OptionError, WeightsError
from pipelines.models import InferenceConfig, ModelFiles, resolve
from pipelines.parallel import spread


@pytest.fixture(scope="module")
def lines_model() -> ModelFiles:
    try:
        return resolve("PP-OCRv4_mobile_rec", form="onnx")
    except WeightsError as error:
        absent(str(error))


def _line() -> np.ndarray:
    return np.zeros((1, 3, 48, 160), dtype=np.float32)


@pytest.mark.parametrize(
    ("engine", "settings", "owner"),
    [
        ("openvino", EngineSettings(providers=("CPUExecutionProvider",)), "onnxruntime"),
        ("paddle", EngineSettings(provider_options=({},)), "onnxruntime"),
        ("onnxruntime", EngineSettings(properties={"NUM_STREAMS": 1}), "openvino"),
        ("fake", EngineSettings(properties={"NUM_STREAMS": 1}), "openvino"),
    ],
)
def test_a_setting_of_another_engine_is_refused(engine: str, settings: EngineSettings, owner: str) -> None:
    with pytest.raises(OptionError, match=rf"speaks to {owner}, and the engine is {engine}"):
        make_engine(engine, settings)


def test_providers_named_by_hand_get_our_options_and_theirs_over_them(lines_model: ModelFiles) -> None:
    settings = EngineSettings(providers=("CPUExecutionProvider",), threads=1)
    made = make_engine("onnxruntime", settings)
    assert (made.provider, made.precision) == ("CPUExecutionProvider", "f32")
    assert made.load(lines_model).run(_line())[0].dtype == np.float32
    options = {"use_tf32": 1, "device_id": 3}
    cuda = EngineSettings(providers=("CUDAExecutionProvider",), provider_options=(options,))
    told = make_engine("onnxruntime", cuda)
    assert told.precision == "tf32"
    assert told._providers["CUDAExecutionProvider"] == {  # type: ignore[attr-defined]  # the engine's own
        "device_id": 3,
        "use_tf32": 1,
        "cudnn_conv_algo_search": "HEURISTIC",
    }


def test_options_that_do_not_match_the_providers_are_refused() -> None:
    settings = EngineSettings(providers=("CPUExecutionProvider",), provider_options=({}, {}))
    with pytest.raises(OptionError, match="one mapping for each of the 1 providers"):
        make_engine("onnxruntime", settings)


@pytest.mark.parametrize("precision", ["f32", "tf32"])
def test_cuda_uses_tensor_floats_only_when_asked_to(precision: str) -> None:
    options = onnxruntime_providers.PROVIDERS["CUDAExecutionProvider"].options(Device("gpu", (2,)), precision)
    assert (options["device_id"], options["use_tf32"]) == ("2", "1" if precision == "tf32" else "0")


@pytest.mark.parametrize(
    ("device", "named"), [(CPU, "CPU"), (Device("gpu", (1,)), "GPU.1"), (Device("npu"), "NPU")]
)
def test_onnxruntimes_openvino_is_told_the_device_by_openvinos_name(device: Device, named: str) -> None:
    provider = onnxruntime_providers.PROVIDERS["OpenVINOExecutionProvider"]
    assert provider.options(device, "f32")["device_type"] == named


def test_openvino_takes_its_share_of_threads_and_leaves_the_cores_to_the_system(
    lines_model: ModelFiles,
) -> None:
    made = make_engine("openvino", EngineSettings(threads=1, precision="f32"))
    session = made.load(lines_model)
    compiled = session._requests.get().get_compiled_model()  # type: ignore[attr-defined]  # OpenVINO's
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert compiled.get_property("ENABLE_CPU_PINNING") is False
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_many_small_batches_get_a_stream_for_each_thread(name: str, lines_model: ModelFiles) -> None:
    made = make_engine(name, EngineSettings(threads=3))
    assert made.load(lines_model).streams == 1
    session = made.load(lines_model, parallel=True)
    assert session.streams == 3
    batches = [_line() + np.float32(number / 20) for number in range(12)]
    together = spread(session.run, batches, session.streams)
    for outputs, batch in zip(together, batches, strict=True):
        np.testing.assert_allclose(outputs[0], session.run(batch)[0], atol=1e-6)


def test_openvinos_properties_reach_the_network(lines_model: ModelFiles) -> None:
    settings = EngineSettings(threads=1, properties={"ENABLE_CPU_PINNING": True, "NUM_STREAMS": 1})
    session = make_engine("openvino", settings).load(lines_model)
    compiled = session._requests.get().get_compiled_model()  # type: ignore[attr-defined]  # OpenVINO's
    assert compiled.get_property("ENABLE_CPU_PINNING") is True
    wrong = make_engine("openvino", EngineSettings(properties={"NO_SUCH": 1}))
    with pytest.raises(EngineError, match=r"openvino failed at loading PP-OCRv4_mobile_rec: .*NO_SUCH"):
        wrong.load(lines_model)


@pytest.mark.parametrize(
    ("name", "ours"), [("INFERENCE_PRECISION_HINT", "precision"), ("CACHE_DIR", "cache_dir")]
)
def test_a_property_that_results_record_is_said_by_its_own_setting(name: str, ours: str) -> None:
    with pytest.raises(OptionError, match=f"{name} is said by '{ours}'"):
        make_engine("openvino", EngineSettings(properties={name: "f16"}))


@pytest.mark.parametrize(
    ("kind", "able", "offered"),
    [
        ("cpu", ["FP32", "INT8"], ("f32",)),
        ("cpu", ["FP32", "FP16", "BF16"], ("bf16", "f32")),
        ("gpu", ["FP32", "FP16"], ("f16", "f32")),
        ("gpu", ["FP32"], ("f32",)),
        ("npu", ["FP16", "INT8"], ("f16",)),
    ],
)
def test_openvino_computes_in_what_the_device_states(
    kind: str, able: list[str], offered: tuple[str, ...]
) -> None:
    assert precisions(kind, able) == offered


def test_networks_of_fixed_shapes_read_the_same_and_only_the_last_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    try:
        files = resolve("PP-LCNet_x1_0_doc_ori", form="onnx")
    except WeightsError as error:
        absent(str(error))
    monkeypatch.setattr(openvino_engine, "_KEPT_SHAPES", 2)
    core = openvino_engine._core()
    session = StaticSession(
        core, core.read_model(files.graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}, "pages"
    )
    changing = make_engine("openvino", EngineSettings(precision="f32")).load(files)
    pages = np.random.default_rng(3).uniform(-1, 1, (3, 3, 224, 224)).astype(np.float32)
    for count in (1, 2, 1, 3):
        assert session.run(pages[:count])[0] == pytest.approx(changing.run(pages[:count])[0], abs=1e-5)
    assert session.shapes == ((1, 3, 224, 224), (3, 3, 224, 224))
    with pytest.raises(EngineError, match=r"openvino failed at compiling pages for \(1, 5, 7, 7\)"):
        session.run(np.zeros((1, 5, 7, 7), dtype=np.float32))


@pytest.mark.parametrize(
    ("engine", "graph", "reads"),
    [
        ("openvino", "inference.json", ".onnx and .pdmodel files"),
        ("onnxruntime", "inference.pdmodel", ".onnx files"),
        ("paddle", "inference.onnx", ".json and .pdmodel files"),
    ],
)
def test_a_form_that_an_engine_cannot_read_is_said_before_it_is_opened(
    engine: str, graph: str, reads: str
) -> None:
    nowhere = Path("/nowhere")
    files = ModelFiles("m", "paddle", nowhere, nowhere / graph, nowhere, InferenceConfig(), "0", {}, "")
    made = make_engine(engine, EngineSettings())
    for refuse in (lambda: check_graph(made, files), lambda: made.load(files)):
        with pytest.raises(EngineError, match=f"{engine} reads {reads}, and the weights of m are in {graph}"):
            refuse()


def test_paddles_plugins_get_their_switches_and_keep_those_that_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switches = {"FLAGS_npu_scale_aclnn": "False"}
    monkeypatch.setattr(os, "environ", switches)
    paddle_devices.prepare(Device("npu"), "f32")
    assert switches["FLAGS_npu_jit_compile"] == "0"
    assert switches["FLAGS_npu_scale_aclnn"] == "False"


@pytest.mark.parametrize("precision", ["f32", "tf32"])
def test_paddle_on_a_gpu_uses_tensor_floats_only_when_asked_to(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched: list[bool] = []
    for name in ("set_cublas_switch", "set_cudnn_switch"):
        monkeypatch.setattr(paddle_devices.core, name, switched.append, raising=False)
    paddle_devices.prepare(Device("gpu"), precision)
    assert switched == [precision == "tf32"] * 2


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(default, "_NODES", tmp_path)
    return tmp_path


@pytest.fixture
def gpu_package(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], list[str]]:
    """Let ONNX Runtime's package for GPUs be installed, and answer for a reason not to reach one."""

    def install(reason: str | None) -> list[str]:
        asked: list[str] = []

        def answer(engine: str, device: Device) -> str | None:
            asked.append(f"{engine} {device}")
            return reason

        # pytest stands for the package: it is installed wherever tests are.
        monkeypatch.setitem(default._FOR_NVIDIA, "onnxruntime", "pytest")
        monkeypatch.setattr(default, "unreached", answer)
        return asked

    return install


def test_without_a_gpu_the_cpu_is_taken_and_no_engine_asked(nodes: Path, gpu_package: Any) -> None:
    asked = gpu_package(None)
    assert default.default_device() == CPU
    assert asked == []


@pytest.mark.parametrize("node", ["nvidia0", "dxg"])
def test_a_gpu_that_an_engine_reaches_is_taken(node: str, nodes: Path, gpu_package: Any) -> None:
    (nodes / node).touch()
    asked = gpu_package(None)
    assert str(default.default_device()) == "gpu:0"
    assert asked == ["onnxruntime gpu:0"]
    assert str(default.default_device("onnxruntime")) == "gpu:0"


def test_a_gpu_that_no_engine_reaches_is_not_taken_and_that_is_said(
    nodes: Path, gpu_package: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (nodes / "nvidia0").touch()
    (nodes / "nvidiactl").touch()
    gpu_package("its driver is too old")
    with caplog.at_level(logging.WARNING):
        assert default.default_device() == CPU
    assert "its driver is too old" in caplog.text
    assert "paddlepaddle-gpu is not installed" in caplog.text


@pytest.mark.parametrize("engine", ["openvino", "fake"])
def test_an_engine_for_other_devices_is_not_sent_to_the_gpu(
    engine: str, nodes: Path, gpu_package: Any
) -> None:
    (nodes / "nvidia0").touch()
    gpu_package(None)
    assert default.default_device(engine) == CPU
    with pytest.raises(ConfigError, match="unknown name"):
        default.default_device("openvin")
