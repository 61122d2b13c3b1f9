"""An engine without weights: it finds ink and makes up words, the same words for the same pixels.

It goes through every stage the real engines go through, starts at once and needs no download: for trying
queues, storage and screens, and for tests of everything that is not recognition.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import ClassVar
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Array, Session, best_classes
from pipelines.engines.settings import EngineSettings
from pipelines.models import Form, InferenceConfig, ModelFiles

CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_CLASSES = len(CHARACTERS) + 2  # the blank before them, the space after them
_SPACE = _CLASSES - 1
_STRIDE = 8  # input columns a step, as in the real models
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class FakeEngine:
    """Deterministic in place of accurate; what is asked of `load` tells detection from recognition."""

    name: ClassVar[str] = "fake"
    forms: ClassVar[tuple[Form, ...]] = ()
    reads_text: ClassVar[bool] = False
    VERSION: ClassVar[str] = "1"

    def __init__(self, settings: EngineSettings) -> None:  # noqa: ARG002  -- the interface's
        self.version = self.VERSION
        self.precision = "f32"

    def load(self, files: ModelFiles, *, best_class: bool = False) -> Session:  # noqa: ARG002  -- the interface's
        """See `Engine.load`; recognition is what is loaded with `best_class`."""
        return _FakeRecognition() if best_class else _FakeDetection()


def fake_files(name: str) -> ModelFiles:
    """What stands for the weights of model `name` when the engine is this one: no file at all."""
    digest = sha256(f"{FakeEngine.name} {FakeEngine.VERSION} {name}".encode()).hexdigest()
    nowhere = Path()
    inference = InferenceConfig(model_name=name, character_dict=tuple(CHARACTERS))
    return ModelFiles(name, "onnx", nowhere, nowhere, None, inference, digest, {}, "made up")


class _FakeDetection:
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


class _FakeRecognition:
    """Spells syllables drawn from a checksum of the line's pixels, as long as the line is wide."""

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        return best_classes(np.stack([self._steps(line) for line in batch]))

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
