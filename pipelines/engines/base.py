"""What the pipeline asks of an inference engine: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.devices import CPU, Device
from pipelines.engines.settings import EngineSettings
from pipelines.engines.trouble import engine_error
from pipelines.errors import EngineError
from pipelines.models import Form, ModelFiles

Array: TypeAlias = NDArray[Any]


class Session(Protocol):
    """One loaded model.

    Attributes:
        streams: how many threads may call `run` at once; many small batches should keep all of them busy.
    """

    streams: int

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        """The model's outputs for one (N, C, H, W) batch; raises an EngineError when it cannot run.

        Real numbers go in and come out as float32, whatever the graph itself takes and gives (some are
        exported in float16).
        """
        ...


class Engine(Protocol):
    """An inference engine, made for one device and precision.

    Attributes:
        name: the word that chooses it.
        forms: the forms of weights it reads; none when it needs no weights.
        graphs: the suffixes of graph files it reads, since one form may come in two.
        reads_text: False for an engine whose words are made up, so that no self-check expects the page's own.
        prepares_shapes: a new input shape costs it time and memory, so that a closed set of them pays.
        version: of the engine's package.
        device: where it runs.
        provider: what the engine itself calls that: `CUDAExecutionProvider`, `GPU.0`, `gpu:0`.
        precision: what it really computes in: `f32`, `bf16`, `f16` or `tf32`.
    """

    name: ClassVar[str]
    forms: ClassVar[tuple[Form, ...]]
    graphs: ClassVar[tuple[str, ...]]
    reads_text: ClassVar[bool]
    prepares_shapes: bool
    version: str
    device: Device
    provider: str
    precision: str

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        """Raise an OptionError for a setting that cannot be honoured, and load nothing yet."""
        ...

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """Why the engine cannot run on one `device` here and what would help, or None where it can."""
        ...

    def memory(self) -> int | None:
        """Bytes of memory that the device has; None for the CPU, and where the engine cannot tell."""
        ...

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:
        """A session for the model in `files`; `parallel` for one that is given many small batches at once.

        With `best_class` the session returns, in place of the model's (N, T, C) probabilities, the best
        class of each step as (N, T) integers and its probability as (N, T) float32. A step that writes
        nothing (`pipelines.ctc.kept_steps`) may have 0 for its probability: nobody asks for it.

        Raises:
            EngineError: when the engine cannot read or compile the model.
        """
        ...


def check_graph(engine: Engine, files: ModelFiles) -> None:
    """Raise an EngineError when the engine does not read graphs of this kind; nothing is opened."""
    if engine.graphs and files.graph.suffix not in engine.graphs:
        raise EngineError(
            f"{engine.name} reads {' and '.join(engine.graphs)} files, and the weights of {files.name} "
            f"are in {files.graph.name}"
        )


def best_classes(probabilities: Array) -> list[Array]:
    """The best class of each step of (N, T, C) probabilities: (N, T) numbers and (N, T) float32."""
    classes = probabilities.argmax(axis=-1)
    best = np.take_along_axis(probabilities, classes[..., np.newaxis], axis=-1)[..., 0]
    return [classes, best.astype(np.float32, copy=False)]


def in_float32(array: Array) -> Array:
    """`array` itself, or as float32 where it holds real numbers of another width; integers stay."""
    return array.astype(np.float32, copy=False) if np.issubdtype(array.dtype, np.floating) else array


@contextmanager
def translated(engine: str, doing: str) -> Iterator[None]:
    """Turn whatever a foreign engine raises inside into one EngineError that says what it was `doing`.

    It is an OutOfMemory or a DeviceLost where the engine's own words say so.
    """
    try:
        yield
    except Exception as error:
        sentence = f"{engine} failed at {doing}: {_telling_line(error)}"
        raise engine_error(sentence, str(error)) from error


def _telling_line(error: Exception) -> str:
    # OpenVINO's first lines name places in its own source; what went wrong comes after them.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = (line for line in lines if not line.startswith(("Exception from ", "Check '", "FrontEnd API")))
    return next(telling, lines[0] if lines else type(error).__name__)
