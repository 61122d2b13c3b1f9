"""Text recognition: crops of lines in, their text out (a CTC network, read greedily)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.decoding import CtcDecoder, ReadLine
from pipelines.engines.base import Array, Session
from pipelines.pixels import Normalizer
from pipelines.widths import Canvas, WidthMode, canvas_for, plan_batches


@dataclass(frozen=True)
class LineShape:
    """How lines enter the network: its input height, the narrowest canvas it was trained at, and the mode."""

    height: int = 48
    least_width: int = 320
    mode: WidthMode = "bucket"


class TextRecognizer:
    """Preprocess, network, decoding, for one loaded model."""

    def __init__(self, session: Session, decoder: CtcDecoder, shape: LineShape, batch_size: int) -> None:
        self._session = session
        self._decoder = decoder
        self._shape = shape
        # A line in `exact` mode shares its width with no other but by chance: alone, its text is upstream's.
        self._batch_size = batch_size if shape.mode == "bucket" else 1
        self._normalizer = Normalizer.centred()

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[ReadLine]:
        """The text of each crop, (h, w, 3) BGR of any size; what one reads as never depends on the others."""
        canvases = [self._canvas(crop) for crop in crops]
        lines: dict[int, ReadLine] = {}
        for indices in plan_batches(canvases, self._batch_size):
            batch = self._batch([crops[i] for i in indices], [canvases[i] for i in indices])
            classes, probabilities = self._session.run(batch)
            for row, index in enumerate(indices):
                lines[index] = self._decode(classes[row], probabilities[row], canvases[index])
        return [lines[index] for index in range(len(crops))]

    def _canvas(self, crop: NDArray[np.uint8]) -> Canvas:
        height, width = crop.shape[:2]
        shape = self._shape
        return canvas_for(width, height, height=shape.height, least=shape.least_width, mode=shape.mode)

    def _batch(self, crops: Sequence[NDArray[np.uint8]], canvases: Sequence[Canvas]) -> NDArray[np.float32]:
        height = self._shape.height
        batch = np.zeros((len(crops), 3, height, canvases[0].width), dtype=np.float32)
        for row, (crop, canvas) in enumerate(zip(crops, canvases, strict=True)):
            line = cv2.resize(crop, (canvas.content, height)).astype(np.uint8, copy=False)
            self._normalizer(line, batch[row, :, :, : canvas.content])
        return batch

    def _decode(self, classes: Array, probabilities: NDArray[np.float32], canvas: Canvas) -> ReadLine:
        return self._decoder.decode(classes, probabilities, len(classes) * canvas.content / canvas.width)
