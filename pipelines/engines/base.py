"""What the pipeline asks of an inference engine: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import EngineError
from pipelines.models import Form, ModelFiles

Array: TypeAlias = NDArray[Any]


class Session(Protocol):
    """One loaded model. Not safe to share between threads."""

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        """The model's outputs for one (N, C, H, W) batch; raises an EngineError when it cannot run."""
        ...


class Engine(Protocol):
    """An inference engine, made for one precision.

    Attributes:
        name: the word that chooses it.
        forms: the forms of weights it reads; none when it needs no weights.
        reads_text: False for an engine whose words are made up, so that no self-check expects the page's own.
        version: of the engine's package.
        precision: what it really computes in, `f32` or `bf16`.
    """

    name: ClassVar[str]
    forms: ClassVar[tuple[Form, ...]]
    reads_text: ClassVar[bool]
    version: str
    precision: str

    def load(self, files: ModelFiles, *, best_class: bool = False) -> Session:
        """A session for the model in `files`.

        With `best_class` the session returns, in place of the model's (N, T, C) probabilities, the best
        class of each step as (N, T) integers and its probability as (N, T) float32.

        Raises:
            EngineError: when the engine cannot read or compile the model.
        """
        ...


def best_classes(probabilities: Array) -> list[Array]:
    """The best class of each step of (N, T, C) probabilities: (N, T) numbers and (N, T) float32."""
    classes = probabilities.argmax(axis=-1)
    best = np.take_along_axis(probabilities, classes[..., np.newaxis], axis=-1)[..., 0]
    return [classes, best.astype(np.float32, copy=False)]


@contextmanager
def translated(engine: str, doing: str) -> Iterator[None]:
    """Turn whatever a foreign engine raises inside into one EngineError that says what it was `doing`."""
    try:
        yield
    except Exception as error:
        first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise EngineError(f"{engine} failed at {doing}: {first_line}") from error
