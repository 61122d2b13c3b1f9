"""HEIC, the pictures of many phones, where the optional decoder is installed."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pipelines.errors import UnsupportedInput


def open_heic(file: io.BytesIO | Path, name: str) -> Image.Image:
    """Open a HEIC picture; it is decoded when it is loaded, and stands upright by itself.

    Raises:
        UnsupportedInput: the decoder is not installed; the sentence names the extra that brings it.
        UnidentifiedImageError: it starts like HEIC and is none.
    """
    try:
        heif = import_module("pillow_heif")  # an extra: the libraries in it are under the LGPL and the GPL
    except ImportError as error:
        raise UnsupportedInput(
            f"{name}: HEIC pictures need the package pillow-heif; install pageline[heic], "
            "or send the picture as JPEG or PNG"
        ) from error
    try:
        # By its own class, not by registering it: what Pillow opens elsewhere in the process stays as it was.
        picture: Image.Image = heif.HeifImageFile(file)
    except SyntaxError as error:  # Pillow's way to say that a plugin does not know a file
        raise UnidentifiedImageError(str(error)) from error
    return picture
