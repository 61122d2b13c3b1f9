"""Pixels of every kind become BGR, uint8."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.errors import UnsupportedInput
from pipelines.read.pages import BgrImage

_WHITE, _BLACK = 255, 0
_NEARLY_WHITE = 235.0
_DEPTHS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # white at 8, 10, 12, 14 and 16 bits
_OVERSHOOT = 2.0  # a picture with no value above 2 of 255 would show nothing: it is one of 0..1
_HIGH_DEPTH = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


def array_to_bgr(array: NDArray[np.generic]) -> BgrImage:
    """A caller's array as BGR, uint8.

    Args:
        array: (height, width) or with 1 channel: grey; 2: grey and alpha; 3: BGR; 4: BGRA. Booleans,
            integers of any depth or floats; what is below 0 counts as 0. The largest value tells what is
            white: of integers, the first of 255, 1023, 4095, 16383 and 65535 that is not below it, or beyond
            these the value itself. Of floats up to 2 white is 1, up to 510 it is 255 (resampling overshoots),
            and beyond they go as integers do. Alpha has a scale of its own.

    Raises:
        UnsupportedInput: another shape, or no numbers.
    """
    _check_array(array)
    plain = array[..., None] if array.ndim == 2 else array  # noqa: PLR2004  -- a picture without a channel axis
    channels = plain.shape[2]
    if channels in (2, 4):
        return over_background(_colour(to_eight_bits(plain[..., :-1])), to_eight_bits(plain[..., -1]))
    return _colour(to_eight_bits(plain))


def _check_array(array: NDArray[np.generic]) -> None:
    numbers = array.dtype.kind in "buif"
    shape_fits = array.ndim in (2, 3) and (array.ndim == 2 or array.shape[2] in (1, 2, 3, 4))  # noqa: PLR2004  -- as above
    if not numbers or not shape_fits or 0 in array.shape:
        raise UnsupportedInput(
            f"an array of shape {array.shape} and type {array.dtype} is no picture; "
            "height x width, with 1 to 4 channels, of numbers is"
        )


def to_eight_bits(values: NDArray[np.generic], bits: int | None = None) -> NDArray[np.uint8]:
    """Numbers of any kind scaled to 0..255; `bits` is the depth where the file says it."""
    if values.dtype == np.uint8:
        return np.asarray(values, dtype=np.uint8)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    numbers = np.nan_to_num(values.astype(np.float32, copy=False), nan=0.0, posinf=np.inf, neginf=0.0)
    white = float(2**bits - 1) if bits else _white_of(numbers, floats=values.dtype.kind == "f")
    scaled = np.clip(numbers * np.float32(255 / white) + np.float32(0.5), 0, 255)
    return np.asarray(scaled, dtype=np.uint8)


def _white_of(numbers: NDArray[np.float32], *, floats: bool) -> float:
    """The value that stands for white, judged by the largest finite one."""
    largest = float(np.max(numbers, initial=0, where=np.isfinite(numbers)))
    if floats and largest <= _OVERSHOOT * _DEPTHS[0]:
        return 1.0 if largest <= _OVERSHOOT else _DEPTHS[0]
    return next((depth for depth in _DEPTHS if largest <= depth), largest)


def _colour(eight: NDArray[np.uint8]) -> BgrImage:
    eight = np.ascontiguousarray(eight)
    if eight.shape[2] == 1:
        return np.asarray(cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return eight


def over_background(colour: BgrImage, alpha: NDArray[np.uint8]) -> BgrImage:
    """Lay a transparent picture over white, or over black where all that can be seen of it is nearly white.

    White letters on nothing are a picture that people do make; over white they would be gone.
    """
    if alpha.min() == _WHITE:
        return colour
    weight = alpha.astype(np.float32) / np.float32(255)
    visible = float(weight.sum())
    luminance = float((cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY) * weight).sum()) / max(visible, 1e-6)
    background = _BLACK if visible and luminance > _NEARLY_WHITE else _WHITE
    weight = weight[..., None]
    mixed = colour * weight + np.float32(background) * (1 - weight)
    return np.asarray(mixed + np.float32(0.5)).astype(np.uint8)


def pillow_to_bgr(image: Image.Image, bits: int | None = None) -> BgrImage:
    """A decoded Pillow picture of any mode; `bits` is the sample depth where the file says it."""
    mode = image.mode
    if mode in _HIGH_DEPTH:
        return _colour(to_eight_bits(np.asarray(image), bits)[..., None])
    if mode in _WITH_ALPHA or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        colour = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR), dtype=np.uint8)
        return over_background(colour, np.ascontiguousarray(rgba[..., 3]))
    if mode in ("1", "L"):
        return _colour(np.asarray(image.convert("L"))[..., None])
    rgb = np.asarray(image if mode == "RGB" else image.convert("RGB"))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), dtype=np.uint8)


_FLIPS_AND_TURNS: dict[int, tuple[bool, int]] = {
    1: (False, 0),
    2: (True, 0),
    3: (False, 180),
    4: (True, 180),
    5: (True, 270),
    6: (False, 90),
    7: (True, 90),
    8: (False, 270),
}
_ROTATE = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turn_of(orientation: int) -> int:
    """Degrees clockwise that an EXIF orientation (1..8; another counts as 1) asks for."""
    return _FLIPS_AND_TURNS.get(orientation, (False, 0))[1]


def stand_upright(image: BgrImage, orientation: int) -> BgrImage:
    """Apply an EXIF orientation (TIFF 6.0, tag 274): mirror left to right where it says so, then turn."""
    mirrored, degrees = _FLIPS_AND_TURNS.get(orientation, (False, 0))
    if mirrored:
        image = np.asarray(cv2.flip(image, 1), dtype=np.uint8)
    if degrees:
        image = np.asarray(cv2.rotate(image, _ROTATE[degrees]), dtype=np.uint8)
    return image
