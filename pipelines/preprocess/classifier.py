"""Classifying pictures: which way up a page or a line stands (PP-LCNet, and the older line classifier)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Session
from pipelines.errors import WeightsError
from pipelines.models import InferenceConfig, ModelFiles, spec_of
from pipelines.models.inference import parse_inference_config, supplied_inference
from pipelines.pixels import Normalizer

_LONGEST = 8  # times the short side: of a longer strip, only the middle is resized at all


@dataclass(frozen=True)
class Verdict:
    """What a classifier says of one picture.

    Attributes:
        label: the class, as the model's configuration calls it.
        index: the class's number.
        degrees: the angle that the label names; a picture is upright when turned counter-clockwise by it.
        score: the class's probability, 0..1.
    """

    label: str
    index: int
    degrees: int
    score: float


class Classifier:
    """Preprocessing as the model's `inference.yml` says, the network, and the best class.

    Attributes:
        streams: how many threads may call `classify` at once.

    Raises:
        WeightsError: for a label that names no angle.
    """

    def __init__(self, session: Session, files: ModelFiles) -> None:
        self._session = session
        self.streams = session.streams
        self._name = files.name
        self._config = _completed(files)
        self._degrees = [_degrees(label, files.name) for label in self._config.labels]
        config = self._config
        self._normalizer = Normalizer.from_moments(config.mean or (), config.std or (), config.scale)
        self._interpolation = getattr(cv2, f"INTER_{config.interpolation}")

    def classify(self, images: Sequence[NDArray[np.uint8]]) -> list[Verdict]:
        """One verdict for each (H, W, 3) BGR image, none of them empty; they go through as one batch.

        Raises:
            WeightsError: the network has another number of classes than its configuration has labels.
            EngineError: the engine failed.
        """
        if not images:
            return []
        width, height = self._input_size()
        batch = np.zeros((len(images), 3, height, width), dtype=np.float32)
        for row, image in enumerate(images):
            pixels = self._resized(image)
            self._normalizer(pixels, batch[row, :, :, : pixels.shape[1]])
        return [self._verdict(scores) for scores in self._session.run(batch)[0]]

    def _input_size(self) -> tuple[int, int]:
        config = self._config
        size = config.resize or (config.crop, config.crop)
        if size[0] is None or size[1] is None:
            raise WeightsError(f"{self._name}: nothing says at what size pictures enter this network")
        return size[0], size[1]

    def _resized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture at the network's size, its channels in the network's order."""
        config = self._config
        if config.resize_short is not None and config.crop is not None:
            scaled = self._cropped(image, config.resize_short, config.crop)
        else:
            width, height = self._input_size()
            if config.image_shape is not None:
                width = min(width, ceil(height * image.shape[1] / image.shape[0]))
            scaled = self._scaled(image, width, height)
        return scaled if config.img_mode == "BGR" else scaled[:, :, ::-1]

    def _cropped(self, image: NDArray[np.uint8], short: int, crop: int) -> NDArray[np.uint8]:
        """The centre `crop` x `crop` of the picture with its short side at `short` pixels."""
        image = _middle(image, _LONGEST * min(image.shape[:2]))
        height, width = image.shape[:2]
        scale = short / min(height, width)
        return _middle(self._scaled(image, round(width * scale), round(height * scale)), crop)

    def _scaled(self, image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
        scaled = cv2.resize(image, (width, height), interpolation=self._interpolation)
        return scaled.astype(np.uint8, copy=False)

    def _verdict(self, scores: NDArray[np.float32]) -> Verdict:
        labels = self._config.labels
        if len(scores) != len(labels):
            raise WeightsError(
                f"{self._name}: the network tells {len(scores)} classes apart, "
                f"its inference.yml names {len(labels)}"
            )
        index = int(scores.argmax())
        return Verdict(labels[index], index, self._degrees[index], float(scores[index]))


def _completed(files: ModelFiles) -> InferenceConfig:
    """What the folder's `inference.yml` says and, where it says nothing, what the model's makers say."""
    own = files.inference
    makers = parse_inference_config(supplied_inference(spec_of(files.name)))
    if not (own.resize or own.resize_short):
        own = replace(
            own,
            resize=makers.resize,
            resize_short=makers.resize_short,
            crop=makers.crop,
            image_shape=makers.image_shape,
        )
    return replace(
        own,
        img_mode=own.img_mode or makers.img_mode,
        mean=own.mean or makers.mean,
        std=own.std or makers.std,
        labels=own.labels or makers.labels,
    )


def _degrees(label: str, model: str) -> int:
    number = re.match(r"\d+", label)
    if number is None or int(number[0]) not in {0, 90, 180, 270}:
        raise WeightsError(f"{model}: the label {label!r} of its inference.yml names no quarter turn")
    return int(number[0])


def _middle(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    top, left = max(0, (height - longest) // 2), max(0, (width - longest) // 2)
    return image[top : top + longest, left : left + longest]
