"""OpenVINO: the fastest engine on CPUs. Reads ONNX and both of Paddle's forms."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from pipelines.engines.base import Array, Session, translated
from pipelines.engines.settings import EngineSettings
from pipelines.errors import OptionError
from pipelines.models import Form, ModelFiles

# Every new input shape leaves prepared kernels behind. The plug-in would keep 5,000; a twentieth is as fast
# here and bounds what a run over pages of many sizes can pile up.
_KEPT_KERNELS = 256


# Each core takes the alternate signal stack, and at its end puts back the one it found: after two that
# end out of order, the next signal (a Ctrl-C) meets freed memory and kills the process. So one is kept.
@cache
def _core() -> ov.Core:
    return ov.Core()


class OpenVinoEngine:
    """OpenVINO's CPU plug-in."""

    name: ClassVar[str] = "openvino"
    forms: ClassVar[tuple[Form, ...]] = ("onnx", "paddle")
    reads_text: ClassVar[bool] = True

    def __init__(self, settings: EngineSettings) -> None:
        self._core = _core()
        self._settings = settings
        self.version = ov.__version__.split("-")[0]
        self.precision = self._choose_precision(settings.precision)

    def load(self, files: ModelFiles, *, best_class: bool = False) -> Session:
        """See `Engine.load`."""
        with translated(self.name, f"loading {files.name}"):
            model = self._core.read_model(files.graph)
            if best_class:
                model = _with_best_class(model)
            return _OpenVinoSession(
                self._core.compile_model(model, "CPU", self._properties(files)), files.name
            )

    def _choose_precision(self, wanted: str) -> str:
        native = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if wanted == "bf16" and not native:
            raise OptionError(
                "engine_config: precision 'bf16' is not something this CPU computes; use 'auto' or 'f32'"
            )
        if wanted == "auto":
            return "bf16" if native else "f32"
        return wanted

    def _properties(self, files: ModelFiles) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
            "CPU_RUNTIME_CACHE_CAPACITY": _KEPT_KERNELS,
        }
        if self._settings.threads:
            properties["INFERENCE_NUM_THREADS"] = self._settings.threads
        if self._settings.cache_dir is not None:
            folder = self._settings.cache_dir / self._cache_key(files)
            folder.mkdir(parents=True, exist_ok=True)
            properties["CACHE_DIR"] = str(folder)
        return properties

    def _cache_key(self, files: ModelFiles) -> str:
        # OpenVINO's own key leaves the precision out: a shared folder gave wrong text, without an error.
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        parts = (self.name, ov.__version__, processor, self.precision, files.sha256)
        return sha256("\n".join(parts).encode()).hexdigest()[:32]


def _with_best_class(model: ov.Model) -> ov.Model:
    # Reduced inside the graph, 18,710 probabilities a step never leave the engine.
    probabilities = model.outputs[0].get_node().input_value(0)
    top = ops.topk(probabilities, np.int32(1), 2, "max", "none", index_element_type="i32")
    last = ops.constant(np.array([2], dtype=np.int32))
    outputs = [ops.squeeze(top.output(1), last).output(0), ops.squeeze(top.output(0), last).output(0)]
    return ov.Model(outputs, model.get_parameters(), "best_class")


class _OpenVinoSession:
    def __init__(self, compiled: ov.CompiledModel, model: str) -> None:
        self._request = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)
        self._model = model

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("openvino", f"running {self._model} on {batch.shape}"):
            self._request.infer({0: batch}, share_inputs=True)
            # Copied, because the engine writes the next call's outputs over the same memory.
            return [np.array(self._request.get_output_tensor(i).data) for i in range(self._outputs)]
