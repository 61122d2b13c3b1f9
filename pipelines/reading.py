"""One page's way through the stages."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pipelines.config.options import CallOptions
from pipelines.crops import crop_line
from pipelines.decoding import ReadLine
from pipelines.detection import Detections
from pipelines.stages import Stages


@dataclass(frozen=True)
class PageReading:
    """What the stages found on one page.

    Attributes:
        detections: the lines, in reading order.
        lines: what was read in each, parallel to `detections`.
        timings: seconds spent in each stage.
    """

    detections: Detections
    lines: list[ReadLine]
    timings: dict[str, float]


def read_page(stages: Stages, image: NDArray[np.uint8], options: CallOptions) -> PageReading:
    """Detect, crop and recognise; `image` is (H, W, 3) BGR."""
    start = perf_counter()
    detections = stages.detector.detect(image, options.detection)
    detected = perf_counter()
    crops = [crop_line(image, quad) for quad in detections.quads]
    # A quad at the very edge can be clipped to nothing: there is no line in it to read.
    kept = [index for index, crop in enumerate(crops) if crop.size]
    cropped = perf_counter()
    lines = stages.recognizer.read([crops[index] for index in kept])
    timings = {
        "detection": detected - start,
        "crop": cropped - detected,
        "recognition": perf_counter() - cropped,
    }
    return PageReading(detections.only(kept), lines, timings)
