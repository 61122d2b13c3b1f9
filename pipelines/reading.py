"""One page's way through the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, perf_counter

import numpy as np
from numpy.typing import NDArray

from pipelines.config.options import CallOptions
from pipelines.crops import crop_line
from pipelines.decoding import ReadLine
from pipelines.detection import Detections
from pipelines.errors import TookTooLong
from pipelines.parallel import spread
from pipelines.preprocess import LineAngle, Preprocessed, read_upright
from pipelines.read import PageImage
from pipelines.stages import Stages
from pipelines.textlayer import LayerUse, Reading, find_lines

_LINES_AT_ONCE = 512  # recognised between two looks at the clock


@dataclass(frozen=True)
class PageReading:
    """What the stages found on one page.

    Attributes:
        prepared: the page as it was read, and the way back from it.
        detections: the lines, in upstream's order.
        angles: how each of them stands, parallel to `detections`; None when nobody looked.
        lines: what was read in each, likewise.
        text_layer: what became of the text that a PDF page carries.
        timings: seconds spent in each stage.
    """

    prepared: Preprocessed
    detections: Detections
    angles: list[LineAngle] | None
    lines: list[ReadLine]
    text_layer: LayerUse
    timings: dict[str, float]


def read_page(stages: Stages, page: PageImage, options: CallOptions) -> PageReading:
    """Turn and flatten the page, detect, take lines from its text layer, read the others.

    Raises `TookTooLong` when that takes longer than the page may.
    """
    watch = _Stopwatch(page.until)
    prepared = stages.preprocessor(page, options.preprocess)
    watch.lap("preprocessing")
    reader = _Reader(stages, prepared.image, options, watch)
    found = find_lines(page, prepared, options.text_layer, reader)
    if options.text_layer != "ignore":
        watch.lap("text_layer")
    unread = [number for number in range(len(found.detections.quads)) if number not in found.known]
    readings = dict(zip(unread, reader.read(found.detections.quads[unread]), strict=True)) | found.known
    kept = [number for number, reading in sorted(readings.items()) if reading is not None]
    lines = [reading for _, reading in sorted(readings.items()) if reading is not None]
    angles = [reading.angle for reading in lines if reading.angle is not None] if reader.orients else None
    return PageReading(
        prepared,
        found.detections.only(kept),
        angles,
        [reading.line for reading in lines],
        found.use,
        watch.laps,
    )


class _Reader:
    """The stages at work on one page."""

    def __init__(
        self, stages: Stages, image: NDArray[np.uint8], options: CallOptions, watch: _Stopwatch
    ) -> None:
        self._stages = stages
        self._image = image
        self._options = options
        self._watch = watch
        self.orients = stages.line_orienter is not None and options.use_textline_orientation

    def detect(self) -> Detections:
        """The lines to be seen on the page."""
        if self._options.text_layer != "ignore":
            self._watch.lap("text_layer")
        self._watch.check("detection")
        detections = self._stages.detector.detect(self._image, self._options.detection)
        self._watch.lap("detection")
        return detections

    def read(self, quads: NDArray[np.int16]) -> list[Reading | None]:
        """Crop, turn and recognise (N, 4, 2) boxes; None where there is no line to read.

        A quad at the very edge can be clipped to nothing.
        """
        if self._options.text_layer != "ignore":
            self._watch.lap("text_layer")
        crops = spread(partial(crop_line, self._image), list(quads), self._stages.recognizer.streams)
        kept = [index for index, crop in enumerate(crops) if crop.size]
        crops = [crops[index] for index in kept]
        self._watch.lap("crop")
        angles: Sequence[LineAngle | None] = [None] * len(crops)
        if self._stages.line_orienter is not None and self.orients:
            asked = self._stages.line_orienter(crops, self._options.textline_orientation_thresh)
            self._watch.lap("line_orientation")
            angles, lines = read_upright(crops, asked, self._recognise)
        else:
            lines = self._recognise(crops)
        self._watch.lap("recognition")
        readings: list[Reading | None] = [None] * len(quads)
        for index, line, angle in zip(kept, lines, angles, strict=True):
            readings[index] = Reading(line, angle)
        return readings

    def _recognise(self, crops: Sequence[NDArray[np.uint8]]) -> list[ReadLine]:
        lines: list[ReadLine] = []
        for first in range(0, len(crops), _LINES_AT_ONCE):
            self._watch.check("recognition")
            lines += self._stages.recognizer.read(crops[first : first + _LINES_AT_ONCE])
        return lines


class _Stopwatch:
    def __init__(self, until: float | None) -> None:
        self.laps: dict[str, float] = {}
        self._until = until
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        """Count the time since the last lap for this stage."""
        now = perf_counter()
        self.laps[name], self._last = self.laps.get(name, 0.0) + now - self._last, now

    def check(self, ahead: str) -> None:
        """Raise `TookTooLong` when there is no time left for what lies `ahead`."""
        if self._until is not None and monotonic() > self._until:
            raise TookTooLong(f"the time for the page was over before {ahead}")
