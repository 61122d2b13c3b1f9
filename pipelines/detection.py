"""Text detection: a page in, the quads of its lines out (DB, Liao et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.config.options import DetectionOptions
from pipelines.engines.base import Session
from pipelines.geometry import Quad, fit_quad, mean_inside, unclip
from pipelines.order import reading_order
from pipelines.pixels import Normalizer

_STRIDE = 32  # each side of the network's input is a multiple of it
_SMALLEST_SUM = 64  # a page whose height and width add up to less is padded to 32 x 32
_SHORTEST_SIDE = 3  # of a region before it is unclipped, in the map's pixels; afterwards two more


@dataclass(frozen=True)
class Detections:
    """The lines of one page in reading order.

    Attributes:
        quads: (N, 4, 2) int16 corners in the page's pixels: top left, top right, bottom right, bottom left.
        scores: (N,) float32, the mean text probability inside each.
    """

    quads: NDArray[np.int16]
    scores: NDArray[np.float32]

    def only(self, kept: list[int]) -> Detections:
        """The detections with these indices, in this order."""
        return Detections(self.quads[kept], self.scores[kept])


class TextDetector:
    """Preprocess, network, postprocess, for one loaded model."""

    def __init__(self, session: Session, normalizer: Normalizer, max_candidates: int) -> None:
        self._session = session
        self._normalizer = normalizer
        self._max_candidates = max_candidates

    def detect(self, image: NDArray[np.uint8], options: DetectionOptions) -> Detections:
        """The text lines of `image`, an (H, W, 3) BGR page."""
        padded = _padded(image)
        batch = self._network_input(padded, options)
        probabilities: NDArray[np.float32] = self._session.run(batch)[0][0, 0]
        found = self._boxes(probabilities, padded.shape, image.shape, options)
        return found.only(reading_order(found.quads))

    def _network_input(self, image: NDArray[np.uint8], options: DetectionOptions) -> NDArray[np.float32]:
        height, width = network_size(image.shape[0], image.shape[1], options)
        if (height, width) != image.shape[:2]:
            image = cv2.resize(image, (width, height)).astype(np.uint8, copy=False)
        batch = np.empty((1, 3, height, width), dtype=np.float32)
        self._normalizer(image, batch[0])
        return batch

    def _boxes(
        self,
        probabilities: NDArray[np.float32],
        padded: tuple[int, ...],
        page: tuple[int, ...],
        options: DetectionOptions,
    ) -> Detections:
        mask = (probabilities > options.thresh).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        height, width = probabilities.shape
        scale = np.array([padded[1] / width, padded[0] / height])
        edge = np.array([page[1], page[0]])
        quads, scores = [], []
        for contour in contours[: self._max_candidates]:
            region = _region(contour, probabilities, options)
            if region is not None:
                quads.append(np.clip(np.rint(region[0] * scale), 0, edge))
                scores.append(region[1])
        return Detections(
            np.array(quads, dtype=np.int16).reshape(-1, 4, 2), np.array(scores, dtype=np.float32)
        )


def network_size(height: int, width: int, options: DetectionOptions) -> tuple[int, int]:
    """The (height, width) at which a page of this size enters the network, both multiples of 32.

    `limit_type` "max" shrinks the long side to `limit_side_len`, "min" grows the short side to it; neither
    side then exceeds `max_side_limit` by more than the rounding.
    """
    limit, ratio = options.limit_side_len, 1.0
    if options.limit_type == "max" and max(height, width) > limit:
        ratio = limit / max(height, width)
    elif options.limit_type == "min" and min(height, width) < limit:
        ratio = limit / min(height, width)
    sides = [int(height * ratio), int(width * ratio)]
    if max(sides) > options.max_side_limit:
        shrink = options.max_side_limit / max(sides)
        sides = [int(side * shrink) for side in sides]
    rounded = [max(_STRIDE, round(side / _STRIDE) * _STRIDE) for side in sides]
    return rounded[0], rounded[1]


def _padded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if height + width >= _SMALLEST_SUM:
        return image
    canvas = np.zeros((max(_STRIDE, height), max(_STRIDE, width), 3), dtype=np.uint8)
    canvas[:height, :width] = image
    return canvas


def _region(
    contour: NDArray[Any], probabilities: NDArray[np.float32], options: DetectionOptions
) -> tuple[Quad, float] | None:
    """The grown quad around one contour and its score, in the map's pixels; None when it is not text."""
    quad, short_side = fit_quad(contour)
    if short_side < _SHORTEST_SIDE:
        return None
    score = mean_inside(probabilities, quad)
    if score < options.box_thresh:
        return None
    outline = unclip(quad, options.unclip_ratio)
    if outline is None:
        return None
    grown, short_side = fit_quad(outline.astype(np.int32))
    return (grown, score) if short_side >= _SHORTEST_SIDE + 2 else None
