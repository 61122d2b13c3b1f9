"""One suite for engines on devices that are not here: real networks, on the CPU behind a pretended device.

What stands in is the library's own list of devices and, where it would refuse to compile, the name; the
engines' paths to a session are the ones that a real device takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnxruntime as ort
import openvino as ov
import pytest
from services import absent

from pipelines.ctc import kept_steps
from pipelines.devices import CPU, parse_device
from pipelines.engines import onnxruntime_providers, openvino_engine, paddle_devices
from pipelines.engines.choose import candidates, installed, make_engine, unreached
from pipelines.engines.settings import EngineSettings
from pipelines.errors import DeviceUnavailable, EngineError, OptionError, WeightsError
from pipelines.models import ModelFiles, resolve

FORMS: dict[str, Any] = {"openvino": "onnx", "onnxruntime": "onnx", "paddle": "paddle"}
ABSENT = [(engine, device) for engine in FORMS for device in ("gpu:0", "npu:0", "dcu:0", "xpu:0", "mlu:0")]
CASES = [
    ("openvino", "gpu:1", "GPU.1", "f16"),
    ("openvino", "npu:0", "NPU", "f16"),
    ("onnxruntime", "gpu:1", "CUDAExecutionProvider", "f32"),
    ("onnxruntime", "npu:0", "CANNExecutionProvider", "f32"),
    ("onnxruntime", "dcu:0", "MIGraphXExecutionProvider", "f32"),
    ("paddle", "gpu:1", "gpu:1", "f32"),
    ("paddle", "npu:1", "npu:1", "f32"),
    ("paddle", "xpu:1", "xpu:1", "f32"),
    ("paddle", "dcu:0", "dcu:0", "f32"),
]


class IntelMachine:
    """OpenVINO's core, on a machine with two GPUs and an NPU."""

    available_devices = ("CPU", "GPU.0", "GPU.1", "NPU")

    def __init__(self, core: ov.Core) -> None:
        self._core = core
        self.compiled: list[tuple[str, dict[str, Any], bool]] = []

    def read_model(self, path: Any) -> ov.Model:
        return self._core.read_model(path)

    def get_property(self, device: str, name: str) -> Any:
        answers = {"OPTIMIZATION_CAPABILITIES": ["FP32", "FP16"], "FULL_DEVICE_NAME": f"pretended {device}"}
        return answers[name]

    def compile_model(self, model: ov.Model, device: str, properties: dict[str, Any]) -> ov.CompiledModel:
        self.compiled.append((device, properties, model.is_dynamic()))
        return self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


class ProvidersMachine:
    """ONNX Runtime's sessions, on a machine where every provider starts except those named."""

    def __init__(self, failing: tuple[str, ...] = ()) -> None:
        self._failing = failing
        self._real = ort.InferenceSession
        self.made: list[list[Any]] = []

    def __call__(self, graph: Any, options: Any = None, *, providers: list[Any]) -> Any:
        self.made.append(providers)
        names = [one if isinstance(one, str) else one[0] for one in providers]
        session = self._real(graph, options, providers=["CPUExecutionProvider"])
        started = [name for name in names if name not in self._failing]
        session.get_providers = lambda: started
        return session


class PaddleMachine:
    """A predictor's configuration that notes what it is told and stays on the CPU."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("use_gpu", "use_xpu"):
            return lambda: True
        if name.startswith(("enable_use_gpu", "enable_custom", "enable_xpu", "set_xpu", "delete_pass")):
            return lambda *values: self.told.append((name, *values))
        return getattr(self._real, name)


@pytest.fixture
def intel(monkeypatch: pytest.MonkeyPatch) -> IntelMachine:
    machine = IntelMachine(openvino_engine._core())
    monkeypatch.setattr(openvino_engine, "_core", lambda: machine)
    return machine


@pytest.fixture
def fresh_search() -> Iterator[None]:
    onnxruntime_providers._search.cache_clear()
    yield
    onnxruntime_providers._search.cache_clear()


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch, fresh_search: None) -> Callable[..., ProvidersMachine]:
    def pretend(*failing: str, has: tuple[str, ...] = tuple(onnxruntime_providers.PROVIDERS)) -> Any:
        machine = ProvidersMachine(failing)
        monkeypatch.setattr(ort, "get_available_providers", lambda: [*has])
        monkeypatch.setattr(ort, "InferenceSession", machine)
        monkeypatch.setattr(onnxruntime_providers, "preload", lambda _: "")
        return machine

    return pretend


@pytest.fixture
def paddle_built_for(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[PaddleMachine]]:
    def pretend(kind: str, count: int = 2) -> list[PaddleMachine]:
        made: list[PaddleMachine] = []

        def create(config: PaddleMachine) -> Any:
            made.append(config)
            config._real.disable_gpu()
            return real_create(config._real)

        paddle, inference = paddle_devices.paddle, paddle_devices.inference
        real_config, real_create = inference.Config, inference.create_predictor
        device = paddle.device
        monkeypatch.setattr(device, "is_compiled_with_cuda", lambda: kind in ("gpu", "dcu"))
        monkeypatch.setattr(device, "is_compiled_with_rocm", lambda: kind == "dcu")
        monkeypatch.setattr(device, "is_compiled_with_xpu", lambda: kind == "xpu")
        monkeypatch.setattr(device, "get_all_custom_device_type", lambda: [kind])
        listed = [kind] if count == 1 else [f"{kind}:{index}" for index in range(count)]
        monkeypatch.setattr(device, "get_available_custom_device", lambda: listed)
        monkeypatch.setattr(device.cuda, "device_count", lambda: count)
        monkeypatch.setattr(device.xpu, "device_count", lambda: count)
        for switch in ("set_cublas_switch", "set_cudnn_switch"):
            monkeypatch.setattr(paddle_devices.core, switch, lambda _: None, raising=False)
        monkeypatch.setattr(paddle_devices, "_SWITCHES", {})
        monkeypatch.setattr(inference, "Config", lambda *files: PaddleMachine(real_config(*files)))
        monkeypatch.setattr(inference, "create_predictor", create)
        return made

    return pretend


@pytest.fixture
def pretend(intel: IntelMachine, providers: Any, paddle_built_for: Any) -> Callable[[str, str], None]:
    def one(engine: str, kind: str) -> None:
        if engine == "onnxruntime":
            providers()
        elif engine == "paddle":
            paddle_built_for(kind)

    return one


@pytest.fixture(scope="module")
def weights() -> Callable[[str], ModelFiles]:
    def find(engine: str) -> ModelFiles:
        try:
            return resolve("PP-OCRv4_mobile_rec", form=FORMS[engine])
        except WeightsError as error:
            absent(str(error))

    return find


def _lines() -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (2, 3, 48, 320)).astype(np.float32)


@pytest.mark.parametrize("engine", FORMS)
def test_every_engine_reaches_the_cpu(engine: str) -> None:
    assert unreached(engine, CPU) is None
    made = make_engine(engine, EngineSettings())
    assert (made.unreached(CPU), made.device) == (None, CPU)


@pytest.mark.parametrize(("engine", "name"), ABSENT)
def test_a_device_that_is_not_here_is_refused_with_what_is_missing(
    engine: str, name: str, fresh_search: None
) -> None:
    reason = unreached(engine, parse_device(name))
    if reason is None:
        pytest.skip(f"this machine has {name} for {engine}")
    assert "\n" not in reason
    assert (
        ("(" in reason and ("pip install" in reason or "build of" in reason))
        or "driver" in reason
        or ("only on" in reason)
    )
    with pytest.raises(DeviceUnavailable, match=f"device '{name}' is not available here. {engine}: "):
        make_engine(engine, EngineSettings(), parse_device(name))


@pytest.mark.parametrize(("engine", "name", "provider", "precision"), CASES)
def test_on_a_device_an_engine_runs_and_says_where(
    engine: str, name: str, provider: str, precision: str, pretend: Any, weights: Any
) -> None:
    files = weights(engine)
    pretend(engine, name.partition(":")[0])
    device = parse_device(name)
    assert unreached(engine, device) is None
    made = make_engine(engine, EngineSettings(), device)
    assert (made.device, made.provider, made.precision) == (device, provider, precision)
    classes, probabilities = made.load(files, best_class=True).run(_lines())
    expected = make_engine(engine, EngineSettings(precision="f32")).load(files, best_class=True).run(_lines())
    assert np.array_equal(classes, expected[0])
    kept = kept_steps(classes)
    assert probabilities[kept] == pytest.approx(expected[1][kept], abs=1e-5)


@pytest.mark.parametrize("engine", ["openvino", "paddle"])
def test_a_number_beyond_what_is_here_is_refused_with_how_many_there_are(engine: str, pretend: Any) -> None:
    pretend(engine, "gpu")
    for name in ("gpu:2", "gpu:0,2"):
        assert "finds 2" in str(unreached(engine, parse_device(name)))
    assert unreached(engine, parse_device("gpu:0,1")) is None


def test_one_custom_device_is_listed_without_a_number(paddle_built_for: Any) -> None:
    paddle_built_for("npu", count=1)
    assert unreached("paddle", parse_device("npu:0")) is None
    assert "finds 1" in str(unreached("paddle", parse_device("npu:1")))


def test_auto_takes_what_reaches_the_device_and_leaves_the_rest_behind_it(providers: Any) -> None:
    providers(has=("DmlExecutionProvider",))
    assert candidates("auto", parse_device("gpu:0")) == ["onnxruntime", "paddle", "openvino"]


def test_where_no_engine_reaches_the_device_each_says_why(fresh_search: None) -> None:
    with pytest.raises(DeviceUnavailable, match=r"'mlu:0' is not available here\. paddle: .*custom-mlu"):
        candidates("auto", parse_device("mlu:0"))
    with pytest.raises(DeviceUnavailable) as caught:
        candidates("auto", parse_device("dcu:0"))
    assert all(f"{name}: " in str(caught.value) for name in ("paddle", "onnxruntime"))


def test_a_provider_that_is_listed_but_does_not_start_is_not_taken(providers: Any) -> None:
    machine = providers("CUDAExecutionProvider", has=("CUDAExecutionProvider", "CPUExecutionProvider"))
    reason = unreached("onnxruntime", parse_device("gpu:0"))
    assert reason is not None
    assert "CUDAExecutionProvider is installed, but CUDAExecutionProvider did not start" in reason
    assert "fell back to CPUExecutionProvider" in reason
    unreached("onnxruntime", parse_device("gpu:0"))
    assert len(machine.made) == 1  # asked once


def test_the_next_provider_of_a_kind_is_tried(providers: Any) -> None:
    providers("CUDAExecutionProvider")
    made = make_engine("onnxruntime", EngineSettings(), parse_device("gpu:0"))
    assert made.provider == "MIGraphXExecutionProvider"


def test_real_sessions_fall_back_in_silence_and_are_refused(weights: Any) -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this package may really have it")
    settings = EngineSettings(providers=("CUDAExecutionProvider",))
    made = make_engine("onnxruntime", settings)
    with (
        pytest.warns(UserWarning, match="not in available provider"),
        pytest.raises(
            EngineError,
            match="CUDAExecutionProvider did not start and the session fell back to CPUExecutionProvider",
        ),
    ):
        made.load(weights("onnxruntime"))


def test_real_paddle_that_stays_on_the_cpu_is_refused() -> None:
    if paddle_devices.paddle.device.is_compiled_with_cuda():
        pytest.skip("this package is built for GPUs")
    config = paddle_devices.inference.Config()
    with pytest.raises(EngineError, match="stays on the CPU although gpu:0"):
        paddle_devices.configure(config, parse_device("gpu:0"), "f32", 0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("npu:1", [("enable_custom_device", "npu", 1)]),
        ("mlu:0", [("enable_custom_device", "mlu", 0)]),
        (
            "xpu:1",
            [
                ("enable_xpu",),
                ("set_xpu_device_id", 1),
                ("delete_pass", "conv2d_bn_xpu_fuse_pass"),
                ("delete_pass", "transfer_layout_pass"),
            ],
        ),
    ],
)
def test_paddle_is_told_the_device_by_its_own_call(
    name: str, told: list[tuple[Any, ...]], paddle_built_for: Any, weights: Any
) -> None:
    device = parse_device(name)
    made = paddle_built_for(device.kind)
    make_engine("paddle", EngineSettings(), device).load(weights("paddle"))
    assert made[0].told == told


@pytest.mark.parametrize(
    ("name", "precision", "kind"),
    [("gpu:1", "f32", "Float32"), ("gpu:0", "f16", "Half"), ("dcu:1", "f32", "Float32")],
)
def test_paddle_is_told_the_gpu_and_its_precision(
    name: str, precision: str, kind: str, paddle_built_for: Any, weights: Any
) -> None:
    device = parse_device(name)
    made = paddle_built_for(device.kind)
    make_engine("paddle", EngineSettings(precision=precision), device).load(weights("paddle"))
    (call, _, index, told), *passes = made[0].told
    assert (call, index, told.name) == ("enable_use_gpu", device.index, kind)
    assert len(passes) == (2 if device.kind == "dcu" else 0)


def test_only_openvinos_npu_gets_networks_of_a_fixed_shape(intel: IntelMachine, weights: Any) -> None:
    files = weights("openvino")
    make_engine("openvino", EngineSettings(), parse_device("gpu:0")).load(files).run(_lines())
    assert [(device, dynamic) for device, _, dynamic in intel.compiled] == [("GPU.0", True)]
    intel.compiled.clear()
    session = make_engine("openvino", EngineSettings(), parse_device("npu:0")).load(files)
    assert intel.compiled == []
    for batch in (_lines(), _lines(), _lines()[:1]):
        session.run(batch)
    assert [(device, dynamic) for device, _, dynamic in intel.compiled] == [("NPU", False)] * 2
    assert all(properties["INFERENCE_PRECISION_HINT"] == "f16" for _, properties, _ in intel.compiled)


@pytest.mark.parametrize(
    ("engine", "name", "precision"),
    [("openvino", "npu:0", "f32"), ("openvino", "gpu:0", "bf16"), ("onnxruntime", "gpu:0", "bf16")],
)
def test_a_precision_a_device_has_not_is_refused(
    engine: str, name: str, precision: str, pretend: Any
) -> None:
    pretend(engine, name.partition(":")[0])
    with pytest.raises(OptionError, match=f"{precision!r} is not something {engine} computes .*{name}"):
        make_engine(engine, EngineSettings(precision=precision), parse_device(name))


def test_every_engine_that_auto_may_take_is_installed_here() -> None:
    assert all(installed(engine) for engine in FORMS)
