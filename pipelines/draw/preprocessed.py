"""`preprocessed_img`: the page as it came, turned, and unwarped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BACKGROUND = 225  # greyer than paper: where a page ends can be seen
_LONGEST_SIDE = 65_000  # a JPEG's sides end at 65,535


def draw_preprocessed(
    source: NDArray[np.uint8],
    rotated: NDArray[np.uint8],
    unwarped: NDArray[np.uint8],
    *,
    max_megapixels: float = 12.0,
) -> Image.Image:
    """Draw the three steps side by side, all at one scale, their upper edges in line.

    The picture is as high as the highest of them: a page that was turned by 90 degrees is wider and lower
    than its source, and shows so.

    Args:
        source: the page, (height, width, 3), uint8, BGR; it is not changed.
        rotated: the same for the page after turning, the same array where nothing was done.
        unwarped: the same for the page after unwarping.
        max_megapixels: for each of the three on average; larger ones are drawn smaller.

    Returns:
        An RGB picture.
    """
    steps = (source, rotated, unwarped)
    height = max(step.shape[0] for step in steps)
    width = sum(step.shape[1] for step in steps)
    scale = min(
        1.0, (len(steps) * max_megapixels * 1e6 / (width * height)) ** 0.5, _LONGEST_SIDE / max(width, height)
    )
    sizes = [tuple(max(1, int(side * scale)) for side in step.shape[1::-1]) for step in steps]
    canvas = np.full(
        (max(high for _, high in sizes), sum(wide for wide, _ in sizes), 3), _BACKGROUND, np.uint8
    )
    left = 0
    for step, (wide, high) in zip(steps, sizes, strict=True):
        _place(canvas[:high, left : left + wide], step)
        left += wide
    return Image.fromarray(np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB, dst=canvas)))


def _place(room: NDArray[np.uint8], step: NDArray[np.uint8]) -> None:
    # Resized where it stands: a copy of each would be what a worker's memory peaks at.
    if step.shape == room.shape:
        room[:] = step
    else:
        cv2.resize(step, room.shape[1::-1], dst=room, interpolation=cv2.INTER_AREA)
