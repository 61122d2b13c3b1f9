"""Text detection: a page in, the quads of its lines out (DB, Liao et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
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


@dataclass(frozen=True)
class DetectorSettings:
    """What is the model's own and no option of a call.

    Attributes:
        normalizer: from pixels to the numbers the network takes.
        rgb: whether it takes red first.
        fixed_size: (height, width) at which every page enters; None for a size that follows from the page.
        keep_ratio: of `fixed_size` only the height counts.
        max_candidates: regions looked at on a page.
        use_dilation: text pixels are grown by a 2 x 2 kernel before regions are taken from them.
        inside_outline: a region's score is taken inside its outline, not inside its rectangle.
    """

    normalizer: Normalizer
    rgb: bool = False
    fixed_size: tuple[int, ...] | None = None
    keep_ratio: bool = False
    max_candidates: int = 1000
    use_dilation: bool = False
    inside_outline: bool = False


class TextDetector:
    """Preprocess, network, postprocess, for one loaded model."""

    def __init__(self, session: Session, settings: DetectorSettings) -> None:
        self._session = session
        self._settings = settings

    def detect(self, image: NDArray[np.uint8], options: DetectionOptions) -> Detections:
        """The text lines of `image`, an (H, W, 3) BGR page."""
        padded = _padded(image)
        batch = self._network_input(padded, options)
        probabilities: NDArray[np.float32] = self._session.run(batch)[0][0, 0]
        found = self._boxes(probabilities, padded.shape, image.shape, options)
        return found.only(reading_order(found.quads))

    def _network_input(self, image: NDArray[np.uint8], options: DetectionOptions) -> NDArray[np.float32]:
        height, width = self._size(image.shape[0], image.shape[1], options)
        if (height, width) != image.shape[:2]:
            image = cv2.resize(image, (width, height)).astype(np.uint8, copy=False)
        batch = np.empty((1, 3, height, width), dtype=np.float32)
        self._settings.normalizer(image[:, :, ::-1] if self._settings.rgb else image, batch[0])
        return batch

    def _size(self, height: int, width: int, options: DetectionOptions) -> tuple[int, int]:
        fixed = self._settings.fixed_size
        if fixed is None:
            return network_size(height, width, options)
        if self._settings.keep_ratio:
            return fixed[0], ceil(width * fixed[0] / height / _STRIDE) * _STRIDE
        return fixed[0], fixed[1]

    def _boxes(
        self,
        probabilities: NDArray[np.float32],
        padded: tuple[int, ...],
        page: tuple[int, ...],
        options: DetectionOptions,
    ) -> Detections:
        mask = (probabilities > options.thresh).astype(np.uint8)
        if self._settings.use_dilation:
            mask = cv2.dilate(mask, np.ones((2, 2), dtype=np.uint8)).astype(np.uint8, copy=False)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        height, width = probabilities.shape
        scale = np.array([padded[1] / width, padded[0] / height])
        edge = np.array([page[1], page[0]])
        quads, scores = [], []
        for contour in contours[: self._settings.max_candidates]:
            region = self._region(contour, probabilities, options)
            if region is not None:
                quads.append(np.clip(np.rint(region[0] * scale), 0, edge))
                scores.append(region[1])
        return Detections(
            np.array(quads, dtype=np.int16).reshape(-1, 4, 2), np.array(scores, dtype=np.float32)
        )

    def _region(
        self, contour: NDArray[Any], probabilities: NDArray[np.float32], options: DetectionOptions
    ) -> tuple[Quad, float] | None:
        """The grown quad around one contour and its score, in the map's pixels; None when it is not text."""
        quad, short_side = fit_quad(contour)
        if short_side < _SHORTEST_SIDE:
            return None
        outline = contour.reshape(-1, 2) if self._settings.inside_outline else quad
        score = mean_inside(probabilities, outline)
        if score < options.box_thresh:
            return None
        unclipped = unclip(quad, options.unclip_ratio)
        if unclipped is None:
            return None
        grown, short_side = fit_quad(unclipped.astype(np.int32))
        return (grown, score) if short_side >= _SHORTEST_SIDE + 2 else None


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
