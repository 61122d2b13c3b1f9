"""From bytes to the numbers a network was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Normalizer:
    """Maps (H, W, 3) uint8 pixels to a (3, H, W) float32 array through one table of 256 values a channel.

    A table gives bit for bit what the arithmetic gives, at a third of its time. Channels keep the order
    they come in: the networks here were trained on BGR, with ImageNet's numbers in that order.
    """

    def __init__(self, tables: NDArray[np.float32]) -> None:
        self._tables = tables

    @classmethod
    def from_moments(cls, mean: Sequence[float], std: Sequence[float], scale: float = 1 / 255) -> Normalizer:
        """A table of x * (scale / std) - mean / std, rounded to float32 after each step as upstream does."""
        levels = np.arange(256, dtype=np.float32)
        tables = []
        for centre, spread in zip(mean, std, strict=True):
            tables.append(levels * np.float32(scale / spread) + np.float32(-centre / spread))
        return cls(np.stack(tables))

    @classmethod
    def centred(cls) -> Normalizer:
        """A table of (x / 255 - 0.5) / 0.5, the recognition networks' range of -1 to 1."""
        table = (np.arange(256, dtype=np.float32) / 255 - np.float32(0.5)) / np.float32(0.5)
        return cls(np.stack([table] * 3))

    def __call__(self, image: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        """Write the numbers for `image` into `out`, a (3, H, W) float32 view."""
        for channel, table in enumerate(self._tables):
            np.take(table, image[:, :, channel], out=out[channel])
