"""ONNX Runtime: everywhere, and the engine that upstream's results are compared on."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipelines.engines.base import Array, Session, best_classes, translated
from pipelines.engines.settings import EngineSettings
from pipelines.errors import OptionError
from pipelines.models import Form, ModelFiles


class OnnxRuntimeEngine:
    """ONNX Runtime's CPU provider, in float32."""

    name: ClassVar[str] = "onnxruntime"
    forms: ClassVar[tuple[Form, ...]] = ("onnx",)
    reads_text: ClassVar[bool] = True

    def __init__(self, settings: EngineSettings) -> None:
        if settings.precision == "bf16":
            raise OptionError(
                "engine_config: precision 'bf16' is not something onnxruntime computes; use 'f32'"
            )
        self._threads = settings.threads
        self.version = str(ort.__version__)
        self.precision = "f32"

    def load(self, files: ModelFiles, *, best_class: bool = False) -> Session:
        """See `Engine.load`."""
        with translated(self.name, f"loading {files.name}"):
            options = ort.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.log_severity_level = 3  # its warnings about graphs say nothing to whoever reads pages
            # The arena keeps the largest block of every shape met: with pages of many sizes it only grows.
            options.enable_cpu_mem_arena = False
            session = ort.InferenceSession(str(files.graph), options, providers=["CPUExecutionProvider"])
            return _OnnxRuntimeSession(session, files.name, best_class=best_class)


class _OnnxRuntimeSession:
    def __init__(self, session: ort.InferenceSession, model: str, *, best_class: bool) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._model = model
        self._best_class = best_class

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("onnxruntime", f"running {self._model} on {batch.shape}"):
            outputs: list[Array] = self._session.run(None, {self._input: batch})
        return best_classes(outputs[0]) if self._best_class else outputs
