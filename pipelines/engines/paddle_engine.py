"""Paddle Inference with oneDNN: the engine the weights were made for."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Array, Session, best_classes, translated
from pipelines.engines.settings import EngineSettings
from pipelines.engines.signals import handlers_kept
from pipelines.errors import EngineError, OptionError
from pipelines.models import Form, ModelFiles

# Importing it puts in a handler that answers SIGTERM with a crash; taking that out leaves none at all.
with handlers_kept():
    import paddle
    from paddle import inference

    paddle.disable_signal_handler()

_SHAPES_KEPT = 32  # oneDNN's prepared kernels, by input shape; beyond it the oldest go


class PaddleEngine:
    """Paddle's predictor on the CPU, in float32."""

    name: ClassVar[str] = "paddle"
    forms: ClassVar[tuple[Form, ...]] = ("paddle",)
    reads_text: ClassVar[bool] = True

    def __init__(self, settings: EngineSettings) -> None:
        if settings.precision == "bf16":
            raise OptionError("engine_config: precision 'bf16' is not offered with paddle; use 'f32'")
        self._threads = settings.threads
        self.version = str(paddle.version.full_version)
        self.precision = "f32"

    def load(self, files: ModelFiles, *, best_class: bool = False) -> Session:
        """See `Engine.load`."""
        if files.params is None:
            raise EngineError(f"paddle failed at loading {files.name}: its folder has no inference.pdiparams")
        with translated(self.name, f"loading {files.name}"):
            config = inference.Config(str(files.graph), str(files.params))
            config.disable_gpu()
            config.enable_mkldnn()
            config.set_mkldnn_cache_capacity(_SHAPES_KEPT)
            if self._threads:
                config.set_cpu_math_library_num_threads(self._threads)
            config.disable_glog_info()
            config.enable_memory_optim()
            return _PaddleSession(inference.create_predictor(config), files.name, best_class=best_class)


class _PaddleSession:
    def __init__(self, predictor: Any, model: str, *, best_class: bool) -> None:
        self._predictor = predictor
        self._input = predictor.get_input_handle(predictor.get_input_names()[0])
        self._model = model
        self._best_class = best_class

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("paddle", f"running {self._model} on {batch.shape}"):
            self._input.copy_from_cpu(np.ascontiguousarray(batch))
            self._predictor.run()
            names = self._predictor.get_output_names()
            outputs = [self._predictor.get_output_handle(name).copy_to_cpu() for name in names]
        return best_classes(outputs[0]) if self._best_class else outputs
