"""ONNX Runtime: everywhere, and the engine that upstream's results are compared on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipelines.cores import available_cores
from pipelines.devices import CPU, Device
from pipelines.engines.base import Array, Session, best_classes, check_graph, in_float32, translated
from pipelines.engines.cuda_memory import cuda_memory
from pipelines.engines.onnxruntime_providers import (
    CPU_PROVIDER,
    ON_CUDA,
    PROVIDERS,
    check_providers,
    find_provider,
    make_session,
    preload,
)
from pipelines.engines.settings import EngineSettings
from pipelines.errors import EngineError, OptionError
from pipelines.models import Form, ModelFiles

# How the engine writes the types of a graph's input; every other one is refused at loading.
_INPUT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
# Options of providers, given by hand, that change what is computed in.
_PRECISION_FLAGS = {"use_tf32": "tf32", "trt_fp16_enable": "f16", "migraphx_fp16_enable": "f16"}


class OnnxRuntimeEngine:
    """ONNX Runtime on the provider that reaches the device, or on those that the settings name."""

    name: ClassVar[str] = "onnxruntime"
    forms: ClassVar[tuple[Form, ...]] = ("onnx",)
    graphs: ClassVar[tuple[str, ...]] = (".onnx",)
    reads_text: ClassVar[bool] = True

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        self.version = str(ort.__version__)
        ort.disable_telemetry_events()  # whose documents are read is nobody else's business
        self.device = device
        names = settings.providers or (find_provider(device),)
        self.precision = _precision(names[0], settings, device)
        self._providers = _with_options(names, settings, device, self.precision)
        self.provider = names[0]
        # On a CPU a kernel takes any shape; on a GPU each new one is searched for.
        self.prepares_shapes = names[0] != CPU_PROVIDER
        self._threads = settings.threads or available_cores()

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """See `Engine.unreached`; runs a graph of one node, since what is listed may not work."""
        try:
            find_provider(device)
        except EngineError as error:
            return str(error)
        return None

    def memory(self) -> int | None:
        """See `Engine.memory`."""
        return cuda_memory(self.device.index) if self.provider in ON_CUDA else None

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:
        """See `Engine.load`."""
        check_graph(self, files)
        # One thread for each of two lines is a fifth faster than two for one: a line's data stay in one
        # core's cache, and nobody waits for the other.
        streams = self._threads if parallel and self.provider == CPU_PROVIDER else 1
        with translated(self.name, f"loading {files.name}"):
            session = make_session(str(files.graph), self._providers, self._session_options(streams))
            check_providers(session, list(self._providers))
            return _OnnxRuntimeSession(session, files.name, streams, best_class=best_class)

    def _session_options(self, streams: int) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads // streams
        # Its threads wait for more in a busy loop, on cores that the next stage needs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 3  # its warnings about graphs say nothing to whoever reads pages
        # The arena keeps the largest block of every shape met: with pages of many sizes it only grows.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = "DmlExecutionProvider" not in self._providers  # DirectML forbids it
        return options


def _precision(name: str, settings: EngineSettings, device: Device) -> str:
    offered = PROVIDERS[name].precisions if name in PROVIDERS else ("f32",)
    chosen = settings.choose_precision("onnxruntime", offered, f"with {name} on {device}")
    given = settings.provider_options[0] if settings.provider_options else {}
    return next((kind for flag, kind in _PRECISION_FLAGS.items() if _is_on(given.get(flag))), chosen)


def _is_on(value: object) -> bool:
    return str(value).lower() in ("1", "true")


def _with_options(
    names: tuple[str, ...], settings: EngineSettings, device: Device, precision: str
) -> dict[str, Mapping[str, object]]:
    """Each provider's options: ours for the device, and those given by hand over them."""
    given = settings.provider_options or ({},) * len(names)
    if len(given) != len(names):
        raise OptionError(
            f"engine_config: provider_options must be one mapping for each of the {len(names)} providers"
        )
    for name in names:
        preload(name)
    ours = [PROVIDERS[name].options(device, precision) if name in PROVIDERS else {} for name in names]
    return {name: {**own, **extra} for name, own, extra in zip(names, ours, given, strict=True)}


class _OnnxRuntimeSession:
    def __init__(self, session: ort.InferenceSession, model: str, streams: int, *, best_class: bool) -> None:
        self._session = session
        self.streams = streams
        first = session.get_inputs()[0]
        if first.type not in _INPUT_TYPES:
            raise EngineError(f"its input is {first.type}, and images are real numbers")
        self._input, self._type = first.name, _INPUT_TYPES[first.type]
        self._model = model
        self._best_class = best_class

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("onnxruntime", f"running {self._model} on {batch.shape}"):
            given = batch.astype(self._type, copy=False)
            outputs = [in_float32(output) for output in self._session.run(None, {self._input: given})]
        return best_classes(outputs[0]) if self._best_class else outputs
