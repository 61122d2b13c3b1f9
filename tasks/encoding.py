"""Pictures of results as files: JPEG, PNG or WebP, at a part of the size they were drawn at."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_QUALITY = 85
_PILLOW: Mapping[str, tuple[str, dict[str, int]]] = {
    "jpg": ("JPEG", {"quality": _QUALITY}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": _QUALITY}),
}
_WEBP_SIDE = 16_383  # pixels: the format has no more, and a picture is twice as wide as its page


def encode_pictures(pictures: Mapping[str, Image], options: Mapping[str, Any]) -> dict[str, bytes]:
    """Return pictures in the form and size that a document's options ask for; PNG where WebP has no room."""
    form = str(options.get("visualize_format", "jpg"))
    scale = float(options.get("visualize_scale", 1))
    return {name: _encoded(_scaled(picture, scale), form) for name, picture in pictures.items()}


def form_of(data: bytes) -> str:
    """Return the form of an encoded picture, which its name ends with."""
    if data.startswith(b"\x89PNG"):
        return "png"
    return "webp" if data.startswith(b"RIFF") else "jpg"


def _scaled(picture: Image, scale: float) -> Image:
    if scale == 1:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height))


def _encoded(picture: Image, form: str) -> bytes:
    if form == "webp" and max(picture.size) > _WEBP_SIDE:
        form = "png"
    kind, parameters = _PILLOW[form]
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind, **parameters)
    return buffer.getvalue()
