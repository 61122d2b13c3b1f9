"""JPEG, and what its decoder has to say about it."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from pipelines.read.pages import BgrImage

AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
"""For OpenCV: BGR, and not turned."""

_CORRUPT = "Corrupt JPEG data: "  # how libjpeg begins each of its sentences about lost pixels (jerror.h)
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_PADDING = 64  # bytes that cameras leave behind the last block, with nothing lost


def decode_jpeg(body: bytes) -> tuple[BgrImage | None, str | None]:
    """Decode a grey or colour JPEG as it is stored, and say what is wrong with it, if anything.

    A JPEG damaged in the middle decodes to its end, into shifted or grey blocks, and OpenCV does not tell.
    `simplejpeg` tells, where it is installed: the same libjpeg-turbo, the same pixels.

    Returns:
        The picture, or None where it cannot be decoded; what libjpeg complains of, or None.
    """
    strict = _strict_decoder()
    if strict is not None:
        try:
            return np.asarray(strict.decode_jpeg(body, "BGR"), dtype=np.uint8), None
        except ValueError as error:
            complaint = _complaint(str(error))
    else:
        complaint = None
    image = cv2.imdecode(np.frombuffer(body, np.uint8), AS_STORED)
    return None if image is None else np.asarray(image, dtype=np.uint8), complaint


def _strict_decoder() -> Any:
    try:
        return import_module("simplejpeg")
    except ImportError:
        return None


def _complaint(said: str) -> str | None:
    if not said.startswith(_CORRUPT):
        return None  # an odd header: OpenCV is asked
    left_over = _LEFT_OVER.search(said)
    if left_over and int(left_over[1]) <= _PADDING:
        return None
    return said.removeprefix(_CORRUPT)
