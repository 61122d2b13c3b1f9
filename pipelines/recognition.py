"""Text recognition: crops of lines in, their text out (a CTC network, read greedily)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.decoding import CtcDecoder, ReadLine
from pipelines.engines.base import Array, Session
from pipelines.parallel import spread
from pipelines.pixels import Normalizer
from pipelines.widths import Canvas, WidthMode, canvas_for, plan_batches, share_out


@dataclass(frozen=True)
class LineShape:
    """How lines enter the network.

    Attributes:
        height: of the network's input, pixels.
        least_width: of the narrowest canvas it was trained at, pixels.
        mode: how a canvas follows from a line's own width.
        rgb: whether the network takes red first.
    """

    height: int = 48
    least_width: int = 320
    mode: WidthMode = "bucket"
    rgb: bool = False


class TextRecognizer:
    """Preprocess, network, decoding, for one loaded model.

    Attributes:
        decoder: which knows the model's name and alphabet.
        streams: how many lines are read at once.
    """

    def __init__(self, session: Session, decoder: CtcDecoder, shape: LineShape, batch_size: int) -> None:
        self._session = session
        self.streams = session.streams
        self.decoder = decoder
        self._shape = shape
        # A line in `exact` mode shares its width with no other but by chance: alone, its text is upstream's.
        self._batch_size = batch_size if shape.mode == "bucket" else 1
        self._normalizer = Normalizer.centred()

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[ReadLine]:
        """The text of each crop, (h, w, 3) BGR of any size; what one reads as never depends on the others."""
        canvases = [self._canvas(crop) for crop in crops]

        def read_batch(indices: list[int]) -> list[ReadLine]:
            shapes = [canvases[i] for i in indices]
            outputs = self._session.run(self._batch([crops[i] for i in indices], shapes))
            return [self._decode(*row) for row in zip(*outputs, shapes, strict=True)]

        def read_run(batches: list[list[int]]) -> list[tuple[int, ReadLine]]:
            return [line for batch in batches for line in zip(batch, read_batch(batch), strict=True)]

        batches = plan_batches(canvases, self._batch_size)
        runs = share_out(batches, canvases, self.streams)
        lines = dict(chain.from_iterable(spread(read_run, runs, self.streams)))
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
            line = line[:, :, ::-1] if self._shape.rgb else line
            self._normalizer(line, batch[row, :, :, : canvas.content])
        return batch

    def _decode(self, classes: Array, probabilities: NDArray[np.float32], canvas: Canvas) -> ReadLine:
        return self.decoder.decode(classes, probabilities, len(classes) * canvas.content / canvas.width)
