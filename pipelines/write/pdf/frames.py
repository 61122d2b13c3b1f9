"""The pictures of a picture file as a PDF can hold them.

JPEG and most PNG go in as they are, byte for byte. Everything else goes in as it was read (8 bits a sample,
upright, transparency laid over a background), without any loss from there: black and white as fax does it
(ITU-T T.6), the rest as PNG does.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from pipelines.read import ReadLimits, open_document
from pipelines.read.pages import PageImage

Dpi = tuple[float, float]
_SPACES: Final = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"}
_JPEG_CHANNELS: Final = {"L": 1, "RGB": 3, "CMYK": 4}
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # that DCTDecode knows: no arithmetic coding
_PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 1}  # by its colour type: grey, RGB, palette
_PALETTE = 3
_BLACK, _WHITE = 0, 255
_ICC_SPACES: Final = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}
_ICC_CLASSES: Final = frozenset({b"mntr", b"scnr", b"prtr", b"spac"})
_ICC_NEWEST = 4
_ROWS_PER_STRIP, _STRIP_AT, _STRIP_LENGTH = 278, 273, 279


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        width: As it is stored, pixels.
        height: Likewise.
        bits: Of a sample.
        channels: How many samples a pixel has.
        entries: More of its image dictionary: how it is coded.
        data: Its stream.
        palette: RGB, where samples are places in a palette.
        profile: The ICC profile its colours are meant by.
        orientation: How it must be turned to stand upright, an EXIF orientation (1 to 8).
        dpi: Across and down; None when nothing sensible is said.
    """

    width: int
    height: int
    bits: int
    channels: int
    entries: dict[str, str]
    data: bytes
    palette: bytes | None = None
    profile: bytes | None = None
    orientation: int = 1
    dpi: Dpi | None = None

    @property
    def space(self) -> str:
        """Its colour space as PDF source, the profile left aside."""
        if self.palette is None:
            return _SPACES[self.channels]
        return f"[/Indexed /DeviceRGB {len(self.palette) // 3 - 1} <{self.palette.hex()}>]"


@dataclass
class Frames:
    """Hands out the pictures of a file one at a time.

    Attributes:
        source: The file.
        plain: Whether only colours that sRGB explains are wanted: CMYK goes in as it was read.
        limits: What the file may hold; None for the defaults.
    """

    source: Path
    plain: bool = False
    limits: ReadLimits | None = None
    _kind: str = field(init=False)

    def __post_init__(self) -> None:
        self._document = open_document(self.source, limits=self.limits)
        self._kind = self._document.media_type

    def take(self, number: int) -> Frame:
        """The picture of page `number`. Raises `InputError` when it cannot be had."""
        return self._as_stored() or _as_read(self._document.page(number))

    def close(self) -> None:
        """Let go of the file."""
        self._document.close()

    def _as_stored(self) -> Frame | None:
        take = {"image/jpeg": self._jpeg, "image/png": self._png}.get(self._kind)
        if take is None:
            return None
        try:
            with Image.open(self.source, formats=("JPEG", "PNG")) as picture:
                return take(picture)
        except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError):
            return None  # as it was read is another way, with limits of its own

    def _jpeg(self, picture: Image.Image) -> Frame | None:
        channels = _JPEG_CHANNELS.get(picture.mode, 0)
        profile = _profile(picture, channels)
        if self.plain and channels == _JPEG_CHANNELS["CMYK"] and profile is None:
            return None
        data = self.source.read_bytes()
        if not channels or not _is_plain_jpeg(data):
            return None
        entries = {"Filter": "/DCTDecode"}
        if picture.mode == "CMYK" and "adobe" in picture.info:  # Adobe's programs store the opposite
            entries["Decode"] = "[1 0 1 0 1 0 1 0]"
        told = _orientation(picture), _dpi(picture)
        return Frame(*picture.size, 8, channels, entries, data, None, profile, *told)

    def _png(self, picture: Image.Image) -> Frame | None:
        chunks = list(_chunks(self.source.read_bytes()))
        width, height, bits, colour, _, _, interlaced = struct.unpack(">2I5B", chunks[0][1])
        if interlaced or colour not in _PNG_CHANNELS or any(name == b"tRNS" for name, _ in chunks):
            return None
        channels = _PNG_CHANNELS[colour]
        palettes = (data for name, data in chunks if name == b"PLTE")
        parameters = f"/Predictor 15 /Colors {channels} /BitsPerComponent {bits} /Columns {width}"
        return Frame(
            width,
            height,
            bits,
            channels,
            {"Filter": "/FlateDecode", "DecodeParms": f"<< {parameters} >>"},
            b"".join(data for name, data in chunks if name == b"IDAT"),
            next(palettes, b"") if colour == _PALETTE else None,
            None if colour == _PALETTE else _profile(picture, channels),
            _orientation(picture),
            _dpi(picture),
        )


def _as_read(page: PageImage) -> Frame:
    """A page's pixels, upright."""
    image = page.image
    dpi = (page.dpi, page.dpi) if page.dpi else None
    grey = image[..., 0]
    if not (np.array_equal(grey, image[..., 1]) and np.array_equal(grey, image[..., 2])):
        return _packed(Image.fromarray(np.ascontiguousarray(image[..., ::-1])), 3, dpi)
    if np.isin(grey, (_BLACK, _WHITE)).all():
        return _fax(Image.fromarray(grey > _BLACK), dpi)
    return _packed(Image.fromarray(np.ascontiguousarray(grey)), 1, dpi)


def _packed(picture: Image.Image, channels: int, dpi: Dpi | None) -> Frame:
    body = io.BytesIO()
    picture.save(body, "PNG")
    data = b"".join(data for name, data in _chunks(body.getvalue()) if name == b"IDAT")
    parameters = f"/Predictor 15 /Colors {channels} /Columns {picture.width}"
    entries = {"Filter": "/FlateDecode", "DecodeParms": f"<< {parameters} >>"}
    return Frame(*picture.size, 8, channels, entries, data, dpi=dpi)


def _fax(picture: Image.Image, dpi: Dpi | None) -> Frame:
    body = io.BytesIO()
    picture.save(body, "TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: picture.height})
    with Image.open(body) as stored:
        tags = stored.tag_v2  # type: ignore[attr-defined]  # a TIFF has them
        (start,), length = tags[_STRIP_AT], tags[_STRIP_LENGTH][0]
    # libtiff calls a set bit black, and here it is white.
    parameters = f"/K -1 /Columns {picture.width} /Rows {picture.height} /BlackIs1 true"
    entries = {"Filter": "/CCITTFaxDecode", "DecodeParms": f"<< {parameters} >>"}
    return Frame(*picture.size, 1, 1, entries, body.getvalue()[start : start + length], dpi=dpi)


def _is_plain_jpeg(data: bytes) -> bool:
    """Whether its frame is of 8 bits and of a kind that PDF knows."""
    at = 2
    while at + 4 < len(data) and data[at] == 0xFF:  # noqa: PLR2004  -- every marker begins so
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # noqa: PLR2004  -- start of a frame, ITU-T T.81
            return marker in _JPEG_FRAMES and data[at + 4] == 8  # noqa: PLR2004  -- bits
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # noqa: PLR2004  -- fill bytes
    return False


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _orientation(picture: Image.Image) -> int:
    # The base class' method: PNG's own decodes the picture to look behind it.
    told = int(Image.Image.getexif(picture).get(ExifTags.Base.Orientation, 1))
    return told if 1 <= told <= 8 else 1  # noqa: PLR2004  -- TIFF 6.0, tag 274


def _dpi(picture: Image.Image) -> Dpi | None:
    try:
        across, down = (float(each) for each in picture.info.get("dpi") or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if all(1 < each < 1e5 for each in (across, down)) else None  # noqa: PLR2004  -- 1 and 0 stand for unknown


def _profile(picture: Image.Image, channels: int) -> bytes | None:
    """Its ICC profile, if PDF can take it (ISO 32000-1, 8.6.5.5) and it speaks of as many channels."""
    profile = picture.info.get("icc_profile") or b""
    fits = _ICC_SPACES.get(profile[16:20]) == channels and profile[36:40] == b"acsp"
    return profile if fits and profile[12:16] in _ICC_CLASSES and profile[8] <= _ICC_NEWEST else None
