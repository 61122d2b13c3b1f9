"""An engine without weights: it finds ink and makes up words, the same words for the same pixels.

It goes through every stage the real engines go through, starts at once and needs no download: for trying
queues, storage and screens, and for tests of everything that is not recognition.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import ClassVar
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.devices import CPU, Device
from pipelines.engines.base import Array, Session, best_classes
from pipelines.engines.settings import EngineSettings
from pipelines.models import Form, ModelFiles, Module, spec_of
from pipelines.models.inference import parse_inference_config, supplied_inference

CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_CLASSES = len(CHARACTERS) + 2  # the blank before them, the space after them
_SPACE = _CLASSES - 1
_STRIDE = 8  # input columns a step, as in the real models
_GRID = (45, 31)  # rows and columns of UVDoc's grid
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class FakeEngine:
    """Deterministic in place of accurate: all stands upright, pages are flat, words are made up."""

    name: ClassVar[str] = "fake"
    forms: ClassVar[tuple[Form, ...]] = ()
    graphs: ClassVar[tuple[str, ...]] = ()
    reads_text: ClassVar[bool] = False
    prepares_shapes = True
    VERSION: ClassVar[str] = "1"

    def __init__(self, settings: EngineSettings, device: Device = CPU) -> None:
        self.version = self.VERSION
        self.device = device
        self.provider = str(device)
        self.precision = settings.choose_precision(self.name, ("f32",), f"on {device}")

    @classmethod
    def unreached(cls, device: Device) -> str | None:
        """See `Engine.unreached`."""
        return None if device.kind == "cpu" else "it makes its words up on the CPU"

    def memory(self) -> int | None:
        """See `Engine.memory`."""
        return None

    def load(self, files: ModelFiles, *, best_class: bool = False, parallel: bool = False) -> Session:  # noqa: ARG002  -- one call at a time
        """See `Engine.load`; the model's name tells what is asked for."""
        spec = spec_of(files.name)
        if spec.module is Module.TEXT_RECOGNITION:
            return _FakeRecognition(best_class=best_class)
        if spec.module is Module.TEXT_DETECTION:
            return _FakeDetection()
        if spec.module is Module.DOC_UNWARPING:
            return _FakeUnwarping()
        return _FakeOrientation(len(spec.labels))


def fake_files(name: str) -> ModelFiles:
    """What stands for the weights of model `name` when the engine is this one: no file at all."""
    digest = sha256(f"{FakeEngine.name} {FakeEngine.VERSION} {name}".encode()).hexdigest()
    nowhere = Path()
    inference = parse_inference_config(supplied_inference(spec_of(name), CHARACTERS))
    return ModelFiles(name, "onnx", nowhere, nowhere, None, inference, digest, {}, "made up")


class _FakeSession:
    streams = 1


class _FakeDetection(_FakeSession):
    """Marks what is darker than its surroundings, smeared sideways into lines."""

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        return [np.stack([self._ink(image) for image in batch])[:, np.newaxis]]

    def _ink(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        grey = image.mean(axis=0)
        paper = cv2.blur(grey, (63, 63))
        dark = (grey < paper - 0.35).astype(np.uint8)
        smeared = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((3, 45), np.uint8))
        solid = cv2.morphologyEx(smeared, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return solid.astype(np.float32) * np.float32(0.9)


class _FakeOrientation(_FakeSession):
    """Takes every picture to stand as it should: the first of the model's classes."""

    def __init__(self, classes: int) -> None:
        self._classes = classes

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        probabilities = np.zeros((len(batch), self._classes), dtype=np.float32)
        probabilities[:, 0] = 1
        return [probabilities]


class _FakeUnwarping(_FakeSession):
    """Samples every page where it is: x and y from -1 to 1 on the real model's grid."""

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        rows, columns = _GRID
        y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
        return [np.repeat(np.stack([x, y])[np.newaxis], len(batch), axis=0).astype(np.float32)]


class _FakeRecognition(_FakeSession):
    """Spells syllables drawn from a checksum of the line's pixels, as long as the line is wide."""

    def __init__(self, *, best_class: bool) -> None:
        self._best_class = best_class

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        probabilities = np.stack([self._steps(line) for line in batch])
        return best_classes(probabilities) if self._best_class else [probabilities]

    def _steps(self, line: NDArray[np.float32]) -> NDArray[np.float32]:
        probabilities = np.full((line.shape[2] // _STRIDE, _CLASSES), 1e-3, dtype=np.float32)
        probabilities[:, 0] = 0.99
        content = _trimmed(line)
        seed = crc32(np.ascontiguousarray(content).tobytes())
        # Every second step is a blank, or a repeated letter would be merged into one.
        for step, letter in zip(range(1, len(probabilities), 2), _letters(seed), strict=False):
            if step * _STRIDE >= content.shape[2]:
                break
            probabilities[step, [0, letter]] = 0.01, 0.9
        return probabilities


def _trimmed(line: NDArray[np.float32]) -> NDArray[np.float32]:
    # The zeros to the right are padding: what is read must not depend on how wide the canvas was.
    columns = np.flatnonzero(np.abs(line).max(axis=(0, 1)))
    return line[:, :, : int(columns[-1]) + 1] if columns.size else line[:, :, :0]


@lru_cache(1024)
def _letters(seed: int) -> list[int]:
    """400 class numbers: words of two to four syllables, all following from `seed`."""
    random = np.random.default_rng(seed)
    letters: list[int] = []
    while len(letters) < 400:  # noqa: PLR2004  -- the steps of the widest canvas, 3200 / 8
        for _ in range(int(random.integers(2, 5))):
            syllable = str(random.choice(list(_CONSONANTS))) + str(random.choice(list(_VOWELS)))
            letters += [CHARACTERS.index(letter) + 1 for letter in syllable]
        letters.append(_SPACE)
    return letters
