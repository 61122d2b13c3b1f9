"""A device that is not there: it has memory, takes its time, and fails as real ones do.

Its networks are the made-up engine's. An inference takes memory by the pixels of its inputs, and is refused
with the words of a real allocator where that is more than there is. `FAULTS` say what goes wrong when; the
children of a worker that imports this module find them in the environment.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pipelines.devices import CPU, Device
from pipelines.engines import choose
from pipelines.engines.base import Array, Session, translated
from pipelines.engines.fake import FakeEngine
from pipelines.engines.settings import EngineSettings
from pipelines.models import ModelFiles

KINDS = ("cpu", "gpu", "npu")


@dataclass
class Card:
    """One device.

    Attributes:
        memory: bytes it says it has; None for one that does not tell.
        room: pixels of input that an inference really has the memory for.
        present: whether it is there at all.
        poison: a value of a pixel; an inference with a row that begins with it fails.
        start_seconds, megapixel_seconds: what an inference takes, and each megapixel of its inputs; nobody
            waits for it, `busy` counts it.
        lose_at: the inference (from 1) with which it is gone for good.
        gate: while closed, inferences wait behind it.
        ran: every inference, as (network, shape); those refused are not among them.
        most_together: how many inferences were under way at once, at most.
    """

    memory: int | None = 8 << 30
    room: int = 1 << 40
    present: bool = True
    start_seconds: float = 0.005
    megapixel_seconds: float = 0.002
    poison: float | None = None
    lose_at: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    ran: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    refused: int = 0
    most_together: int = 0
    busy: float = 0.0
    _count: int = 0
    _together: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate.set()

    def run(self, model: str, session: Session, batch: NDArray[np.float32]) -> list[Array]:
        """Answer, or raise what an engine on such a device would."""
        with self._lock:
            self._count += 1
            self._together += 1
            self.most_together = max(self.most_together, self._together)
        try:
            self.gate.wait()
            self._check(batch)
            self.ran.append((model, batch.shape))
            count, _, height, width = batch.shape
            self.busy += self.start_seconds + self.megapixel_seconds * count * height * width / 1e6
            return session.run(batch)
        finally:
            with self._lock:
                self._together -= 1

    def _check(self, batch: NDArray[np.float32]) -> None:
        if self.lose_at and self._count >= self.lose_at:
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered")
        count, _, height, width = batch.shape
        if count * height * width > self.room:
            self.refused += 1
            raise RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer")
        if self.poison is not None and np.isclose(batch[:, 0, 0, 0], self.poison).any():
            raise RuntimeError("a kernel that chokes on this input")

    def sizes(self, part: str) -> Counter[int]:
        """How often networks with `part` in their names ran on so many inputs at once."""
        return Counter(shape[0] for model, shape in self.ran if part in model)


CARDS: dict[str, Card] = {}


class DoubleEngine(FakeEngine):
    """Runs the made-up networks on a `Card`."""

    name: ClassVar[str] = "double"

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        super().__init__(settings, device)
        self.card = CARDS.setdefault(str(device), Card())

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """See `Engine.unreached`."""
        card = CARDS.setdefault(str(device), Card())
        return None if card.present else "its driver finds no such device"

    def memory(self) -> int | None:
        """See `Engine.memory`."""
        return self.card.memory

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:
        """See `Engine.load`."""
        return _Session(self.card, files.name, super().load(files, best_class=best_class, parallel=parallel))


class _Session:
    streams = 1

    def __init__(self, card: Card, model: str, session: Session) -> None:
        self._card, self._model, self._session = card, model, session

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        with translated("double", f"running {self._model} on {batch.shape}"):
            return self._card.run(self._model, self._session, batch)


def plug_in(patch: Any, **cards: Card) -> None:
    """Make the engine `double` known, with a `patch` that undoes it, and put devices in by name (`gpu_0`)."""
    known = replace(choose._ENGINES["fake"], module=__name__, attribute="DoubleEngine", kinds=KINDS)
    patch.setitem(choose._ENGINES, "double", known)
    for name, card in cards.items():
        patch.setitem(CARDS, name.replace("_", ":"), card)
