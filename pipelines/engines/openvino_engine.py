"""OpenVINO: the fastest engine on CPUs; also Intel's GPUs and NPUs. Reads ONNX and Paddle's older form."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from hashlib import sha256
from queue import SimpleQueue
from typing import Any, ClassVar

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from pipelines.cores import available_cores
from pipelines.ctc import kept_steps
from pipelines.devices import CPU, Device
from pipelines.engines import openvino_detection
from pipelines.engines.base import Array, Session, check_graph, translated
from pipelines.engines.openvino_graph import (
    best_classes_of,
    in_float32,
    probabilities_of,
    with_best_class,
    with_blocks,
)
from pipelines.engines.settings import EngineSettings
from pipelines.errors import EngineError, OptionError
from pipelines.models import Form, ModelFiles

# Every new input shape leaves prepared kernels behind, one for each layer, and a network that has no room for
# those of two shapes prepares them again whenever the shape changes: lines then take twice their time. Lines
# come in a closed set of shapes, and the share of each of their streams is room for all of a page's. Pages
# come in any size, those of one document mostly in one, at six megabytes each: there is room for about eight.
_KEPT_KERNELS = 500
_KEPT_FOR_LINES = 8000
# Shapes for which a device that takes no changing ones keeps a compiled network: pages and lines in buckets.
_KEPT_SHAPES = 32
_HELP = {
    "gpu": "OpenVINO finds no Intel GPU: its driver is missing (intel-opencl-icd), or /dev/dri "
    "in a container",
    "npu": "OpenVINO finds no Intel NPU: its driver is missing (intel-driver-compiler-npu, "
    "intel-level-zero-npu), or /dev/accel in a container",
}
# Said by settings of our own, which results record.
_OURS = {
    "INFERENCE_PRECISION_HINT": "precision",
    "INFERENCE_NUM_THREADS": "threads",
    "CACHE_DIR": "cache_dir",
}


# Each core takes the alternate signal stack, and at its end puts back the one it found: after two that
# end out of order, the next signal (a Ctrl-C) meets freed memory and kills the process. So one is kept.
@cache
def _core() -> ov.Core:
    return ov.Core()


def find_plugin_device(device: Device, available: list[str]) -> str:
    """OpenVINO's name for `device`: `gpu:1` is the second of Intel's GPUs among the `available`.

    Raises:
        EngineError: when it is not there; the sentence says what is missing.
    """
    kind = device.kind.upper()
    found = [name for name in available if name.partition(".")[0] == kind]
    if not found:
        raise EngineError(_HELP.get(device.kind, f"OpenVINO knows no {device.kind} devices"))
    if device.index >= len(found):
        raise EngineError(f"OpenVINO finds {len(found)} of the kind here: {', '.join(found)}")
    return found[device.index]


class OpenVinoEngine:
    """OpenVINO's plug-in for one device: the CPU's, Intel's GPU or Intel's NPU."""

    name: ClassVar[str] = "openvino"
    forms: ClassVar[tuple[Form, ...]] = ("onnx", "paddle")
    graphs: ClassVar[tuple[str, ...]] = (".onnx", ".pdmodel")
    reads_text: ClassVar[bool] = True
    prepares_shapes = True

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        self._core = _core()
        self._settings = settings
        self._threads = settings.threads or available_cores()
        self.version = ov.__version__.split("-")[0]
        self.device = device
        self.provider = find_plugin_device(device, self._core.available_devices)
        able = self._core.get_property(self.provider, "OPTIMIZATION_CAPABILITIES")
        self.precision = settings.choose_precision(self.name, precisions(device.kind, able), f"on {device}")
        for name in settings.properties:
            if name in _OURS:
                raise OptionError(f"engine_config: properties: {name} is said by {_OURS[name]!r} here")

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """See `Engine.unreached`."""
        try:
            find_plugin_device(device, _core().available_devices)
        except EngineError as error:
            return str(error)
        return None

    def memory(self) -> int | None:
        """See `Engine.memory`."""
        if self.device.kind != "gpu":
            return None
        try:
            return int(self._core.get_property(self.provider, "GPU_DEVICE_TOTAL_MEM_SIZE"))
        except RuntimeError:  # a plug-in or driver that does not tell
            return None

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:
        """See `Engine.load`."""
        check_graph(self, files)
        with translated(self.name, f"loading {files.name}"):
            model = self._core.read_model(files.graph)
            streams = self._threads if parallel and self.device.kind == "cpu" else 1
            properties = self._properties(files, streams, lines=parallel)
            blocks = with_blocks(model) if best_class and self.device.kind == "cpu" else None
            if blocks is not None:
                scores = ov.Type.bf16 if self.precision == "bf16" else ov.Type.f32
                model = in_float32(blocks, but_output=2, kind=scores)
                compiled = self._core.compile_model(model, self.provider, properties)
                return _BestClassSession(compiled, files.name, streams)
            logits = openvino_detection.with_logits(model) if self.device.kind == "cpu" else None
            if logits is not None:
                compiled = self._core.compile_model(in_float32(logits), self.provider, properties)
                return _LogitSession(compiled, files.name, streams)
            model = in_float32(with_best_class(model) if best_class else model)
            if self.device.kind == "npu":
                return StaticSession(self._core, model, self.provider, properties, files.name)
            compiled = self._core.compile_model(model, self.provider, properties)
            return _OpenVinoSession(compiled, files.name, streams)

    def _properties(self, files: ModelFiles, streams: int, *, lines: bool) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        if self.device.kind == "cpu":
            properties |= self._on_cpu(streams, lines=lines)
        if self._settings.cache_dir is not None:
            folder = self._settings.cache_dir / self._cache_key(files)
            folder.mkdir(parents=True, exist_ok=True)
            properties["CACHE_DIR"] = str(folder)
        return {**properties, **self._settings.properties}

    def _on_cpu(self, streams: int, *, lines: bool) -> dict[str, Any]:
        kept = _KEPT_FOR_LINES // streams if lines else _KEPT_KERNELS
        properties: dict[str, Any] = {"CPU_RUNTIME_CACHE_CAPACITY": kept, "NUM_STREAMS": streams}
        if self._settings.threads:
            properties["INFERENCE_NUM_THREADS"] = self._settings.threads
            # Bound to cores, every process with a share of them takes the same first ones: two with one
            # thread each read half as fast on two cores as when the system places them.
            properties["ENABLE_CPU_PINNING"] = False
        return properties

    def _cache_key(self, files: ModelFiles) -> str:
        # OpenVINO's own key leaves the precision out: a shared folder gave wrong text, without an error.
        hardware = self._core.get_property(self.provider, "FULL_DEVICE_NAME")
        parts = (self.name, ov.__version__, hardware, self.precision, files.sha256)
        return sha256("\n".join(parts).encode()).hexdigest()[:32]


def precisions(kind: str, able: list[str]) -> tuple[str, ...]:
    """What a device computes in, fastest first, from the capabilities its plug-in states."""
    if kind == "npu":
        return ("f16",)
    native, name = ("BF16", "bf16") if kind == "cpu" else ("FP16", "f16")
    return (name, "f32") if native in able else ("f32",)


class _OpenVinoSession:
    def __init__(self, compiled: ov.CompiledModel, model: str, streams: int = 1) -> None:
        self.streams = streams
        self._requests: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())
        self._outputs = len(compiled.outputs)
        self._model = model

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        request = self._requests.get()
        try:
            with translated("openvino", f"running {self._model} on {batch.shape}"):
                request.infer({0: batch}, share_inputs=True)
                return self._taken([request.get_output_tensor(i).data for i in range(self._outputs)])
        finally:
            self._requests.put(request)

    def _taken(self, outputs: list[Array]) -> list[Array]:
        # Copied, because the engine writes the next call's outputs over the same memory.
        return [np.array(output) for output in outputs]


class _BestClassSession(_OpenVinoSession):
    """Of a network that answers with blocks and scores, see `with_blocks`."""

    def _taken(self, outputs: list[Array]) -> list[Array]:
        blocks, places, scores = outputs
        classes = best_classes_of(blocks, places)
        probabilities = np.zeros(classes.shape, dtype=np.float32)
        probabilities[kept_steps(classes)] = probabilities_of(scores)
        return [classes, probabilities]


class _LogitSession(_OpenVinoSession):
    """Of a network that answers with logits, see `openvino_detection`."""

    def _taken(self, outputs: list[Array]) -> list[Array]:
        return [openvino_detection.probabilities_of(output) for output in outputs]


class StaticSession:
    """For a device that takes no changing shapes: the network is compiled for each shape it meets.

    The shapes used last are kept, so that what comes in buckets is compiled once.
    """

    streams = 1

    def __init__(
        self, core: ov.Core, model: ov.Model, device: str, properties: dict[str, Any], name: str
    ) -> None:
        self._core, self._network = core, model
        self._device, self._properties = device, properties
        self._model = name
        self._by_shape: OrderedDict[tuple[int, ...], _OpenVinoSession] = OrderedDict()

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes compiled and kept, the one used last at the end."""
        return tuple(self._by_shape)

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        """See `Session.run`."""
        if batch.shape not in self._by_shape:
            with translated("openvino", f"compiling {self._model} for {batch.shape}"):
                self._by_shape[batch.shape] = self._compiled(batch.shape)
        self._by_shape.move_to_end(batch.shape)
        while len(self._by_shape) > _KEPT_SHAPES:
            self._by_shape.popitem(last=False)
        return self._by_shape[batch.shape].run(batch)

    def _compiled(self, shape: tuple[int, ...]) -> _OpenVinoSession:
        network = self._network.clone()
        network.reshape(list(shape))
        return _OpenVinoSession(
            self._core.compile_model(network, self._device, self._properties), self._model
        )
