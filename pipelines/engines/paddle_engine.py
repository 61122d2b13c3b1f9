"""Paddle Inference: the engine the weights were made for, and the one that reaches the most devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pipelines.devices import CPU, Device
from pipelines.engines.base import Array, Session, best_classes, check_graph, in_float32, translated
from pipelines.engines.paddle_devices import (
    configure,
    core,
    inference,
    memory,
    paddle,
    precisions,
    prepare,
    unreached,
)
from pipelines.engines.settings import EngineSettings
from pipelines.errors import EngineError
from pipelines.models import Form, ModelFiles

_INPUT_TYPES = ("float16", "float32", "float64")


class PaddleEngine:
    """Paddle's predictor: with oneDNN on the CPU, and on its own and its plug-ins' devices."""

    name: ClassVar[str] = "paddle"
    forms: ClassVar[tuple[Form, ...]] = ("paddle",)
    graphs: ClassVar[tuple[str, ...]] = (".json", ".pdmodel")
    reads_text: ClassVar[bool] = True
    prepares_shapes = True

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        self._threads = settings.threads
        self.version = str(paddle.version.full_version)
        self.device = device
        self.provider = str(device)
        self.precision = settings.choose_precision(self.name, precisions(device.kind), f"on {device}")
        prepare(device, self.precision)

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """See `Engine.unreached`."""
        return unreached(device)

    def memory(self) -> int | None:
        """See `Engine.memory`."""
        return memory(self.device)

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:  # noqa: ARG002  -- one call at a time
        """See `Engine.load`."""
        check_graph(self, files)
        if files.params is None:
            raise EngineError(f"paddle failed at loading {files.name}: its folder has no inference.pdiparams")
        with translated(self.name, f"loading {files.name}"):
            predictor = inference.create_predictor(self._config(files))
            wanted = declared_type(files.graph, predictor.get_input_names()[0])
            return _PaddleSession(predictor, files.name, wanted, best_class=best_class)

    def _config(self, files: ModelFiles) -> Any:
        config = inference.Config(str(files.graph), str(files.params))
        configure(config, self.device, self.precision, self._threads)
        config.disable_glog_info()
        config.enable_memory_optim()
        if files.graph.suffix == ".json":
            # The older executor, which is the default, cannot reuse the newer form's memory: it raises.
            config.enable_new_ir(True)
            config.enable_new_executor()
        return config


def declared_type(graph: Path, name: str) -> np.dtype[Any]:
    """The type that a Paddle graph declares for its input `name`; a predictor does not tell.

    Raises:
        EngineError: when the graph has no such input, or one that takes no real numbers.
    """
    found = _types_in_program(graph) if graph.suffix == ".json" else _types_in_protobuf(graph, name)
    said = "" if name not in found else str(paddle.base.data_feeder.convert_dtype(found[name]))
    if said not in _INPUT_TYPES:
        raise EngineError(f"its input {name!r} is {said or 'not declared'}, and images are real numbers")
    return np.dtype(said)


def _types_in_program(graph: Path) -> dict[str, Any]:
    program = core.pir.Program()
    core.deserialize_pir_program(str(graph), program)
    inputs = (op for op in program.global_block().ops if op.name() in ("pd_op.data", "pd_op.feed"))
    return {op.attrs()["name"]: op.result(0).dtype for op in inputs}


def _types_in_protobuf(graph: Path, name: str) -> dict[str, Any]:
    program = core.ProgramDesc(graph.read_bytes())  # held here: what it hands out does not keep it
    variable = program.block(0).find_var(name.encode())
    return {} if variable is None else {name: variable.dtype()}


class _PaddleSession:
    streams = 1

    def __init__(self, predictor: Any, model: str, wanted: np.dtype[Any], *, best_class: bool) -> None:
        self._predictor = predictor
        self._type = wanted
        self._input = predictor.get_input_handle(predictor.get_input_names()[0])
        self._model = model
        self._best_class = best_class

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("paddle", f"running {self._model} on {batch.shape}"):
            self._input.copy_from_cpu(np.ascontiguousarray(batch, dtype=self._type))
            self._predictor.run()
            names = self._predictor.get_output_names()
            handles = [self._predictor.get_output_handle(name) for name in names]
            outputs = [in_float32(handle.copy_to_cpu()) for handle in handles]
        return best_classes(outputs[0]) if self._best_class else outputs
