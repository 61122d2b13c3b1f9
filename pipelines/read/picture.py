"""Pictures: OpenCV decodes plain JPEG and PNG, Pillow everything else.

A picture that breaks off is rejected: half a page read without a word would be a loss nobody notices.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from pipelines.errors import DamagedInput, InputError
from pipelines.read import sniff
from pipelines.read.base import Document, Source, mapped
from pipelines.read.heic import open_heic
from pipelines.read.jpeg import AS_STORED, decode_jpeg
from pipelines.read.limits import ReadLimits
from pipelines.read.pages import BgrImage, PageImage, PageInfo
from pipelines.read.pixels import pillow_to_bgr, stand_upright, turn_of

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM", "AVIF")
_TIFF = "image/tiff"
_PLAIN = frozenset({"L", "RGB"})
_TAIL_BYTES = 4096
_LARGEST_FAST = 256 << 20  # bytes; Pillow streams, and no honest picture within the limits is larger
_PADDING = b"\0\r\n "
_BITS_PER_SAMPLE = 258
_CENTIMETRES_PER_INCH = 2.54
_BOMB_CHECK = threading.Lock()


class PictureDocument(Document):
    """A picture file; a TIFF has a page per frame, an animation only its first frame.

    Raises:
        DamagedInput: the header cannot be read.
        LimitExceeded: too many frames, or the only one is too large.
    """

    def __init__(self, source: Source, name: str, media_type: str, limits: ReadLimits) -> None:
        super().__init__(source, name, media_type, limits)
        with _translated(name, media_type), _without_bomb_check():
            self._picture = _opened(source, media_type, name)
        try:
            with _translated(name, media_type):
                self._frames = self._walk() if media_type == _TIFF else [self._facts(1)]
            if len(self._frames) == 1 and self._frames[0].problem:
                limits.check_size(*_upright_size(self._picture, self._orientation()), name)
        except InputError:
            self.close()
            raise

    @property
    def page_count(self) -> int:
        """1, or the frames of a TIFF."""
        return len(self._frames)

    def _page_info(self, number: int) -> PageInfo:
        return self._frames[number - 1]

    def _walk(self) -> list[PageInfo]:
        """Step from frame to frame; the limit holds however many more there are."""
        frames: list[PageInfo] = []
        try:
            while True:
                self._picture.seek(len(frames))
                self.limits.check_pages(len(frames) + 1, self.name)
                frames.append(self._facts(len(frames) + 1))
        except EOFError:
            return frames

    def _facts(self, number: int) -> PageInfo:
        width, height = _upright_size(self._picture, self._orientation())
        try:
            self.limits.check_size(width, height, f"{self.name}, page {number}")
        except InputError as error:
            return PageInfo(number, 0, 0, 0.0, None, str(error))
        return PageInfo(number, width, height, width * height / 1e6, _dpi(self._picture))

    def _orientation(self) -> int:
        """EXIF orientation 1..8. Pillow turns TIFF frames itself, and reports their size turned."""
        if self.media_type == _TIFF:
            return 1
        # The base class' method: PNG's own decodes the whole picture to look for EXIF behind the pixels.
        return int(Image.Image.getexif(self._picture).get(ExifTags.Base.Orientation, 1))

    def _decode(self, number: int) -> PageImage:
        where = self.where(number)
        with _translated(where, self.media_type):
            if self.media_type == _TIFF:
                self._picture.seek(number - 1)
            self.limits.check_size(*self._picture.size, where)
            dpi, rotation = _dpi(self._picture), self._rotation()
            image, complaint = self._fast() if number == 1 else (None, None)
            if image is None:
                with _without_bomb_check(self._picture):
                    image = self._slow()
        return PageImage(
            image=image,
            input_path=self.input_path,
            page_index=number - 1 if self.page_count > 1 else None,
            number=number,
            width=image.shape[1],
            height=image.shape[0],
            dpi=dpi,
            rotation=rotation,
            media_type=self.media_type,
            warning=f"{where}: damaged inside, text may be missing or wrong ({complaint})"
            if complaint
            else None,
        )

    def _rotation(self) -> int:
        if self.media_type == _TIFF:
            return turn_of(_tag(self._picture, ExifTags.Base.Orientation, 1))
        return turn_of(self._orientation())

    def _fast(self) -> tuple[BgrImage | None, str | None]:
        """Without Pillow where that gives the same pixels sooner, else None; and the decoder's complaint."""
        picture = self._picture
        if self.media_type not in ("image/jpeg", "image/png") or picture.mode not in _PLAIN:
            return None, None
        plain = picture.format in ("JPEG", "MPO") or _is_plain_png(picture)
        if not plain:
            return None, None
        with mapped(self._source) as body:
            if len(body) > _LARGEST_FAST or not _ends_properly(body[-_TAIL_BYTES:], self.media_type):
                return None, None
            # A copy: a mapping cannot be closed while an array looks into it.
            decode = decode_jpeg if self.media_type == "image/jpeg" else _decode_png
            image, complaint = decode(bytes(body))
        return None if image is None else stand_upright(image, self._orientation()), complaint

    def _slow(self) -> BgrImage:
        orientation = self._orientation()
        bits = _tag(self._picture, _BITS_PER_SAMPLE, 0) if self.media_type == _TIFF else 16
        deep = bits if 8 < bits <= 16 else None  # noqa: PLR2004  -- other depths Pillow has already unpacked
        self._picture.load()
        return stand_upright(pillow_to_bgr(self._picture, deep), orientation)

    def close(self) -> None:
        """Close the file; a second time is no fault."""
        self._picture.close()


def page_of_pillow(picture: Image.Image, limits: ReadLimits) -> PageImage:
    """A caller's own Pillow picture as a page; it is not changed.

    Raises:
        DamagedInput: its file breaks off or is damaged, which Pillow finds out only now.
        LimitExceeded: it is too large.
    """
    limits.check_size(*picture.size, "the picture")
    with _translated("the picture", picture.format or "a picture"):
        orientation = int(picture.getexif().get(ExifTags.Base.Orientation, 1))
        image = stand_upright(pillow_to_bgr(picture), orientation)
    height, width = image.shape[:2]
    return PageImage(image, None, None, 1, width, height, _dpi(picture), turn_of(orientation), None)


def _opened(source: Source, media_type: str, name: str) -> Image.Image:
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    if media_type == sniff.HEIC:
        return open_heic(file, name)
    return Image.open(file, formats=_FORMATS)


@contextmanager
def _translated(where: str, media_type: str) -> Iterator[None]:
    """Pillow's and OpenCV's errors as DamagedInput.

    A hostile file makes decoders raise nearly every class there is; what they say is kept to one line.
    """
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise DamagedInput(f"{where}: it starts like {media_type}, but cannot be decoded") from error
    except MemoryError as error:
        raise DamagedInput(f"{where}: there is no memory to decode the picture") from error
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DamagedInput(f"{where}: the picture is damaged ({reason})") from error


@contextmanager
def _without_bomb_check(picture: Image.Image | None = None) -> Iterator[None]:
    """Switch off Pillow's own size check, which warns at 89 megapixels: the limits here are named."""
    limit = Image.MAX_IMAGE_PIXELS
    if picture is not None and (limit is None or picture.width * picture.height <= limit):
        yield
        return
    with _BOMB_CHECK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _upright_size(picture: Image.Image, orientation: int) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if turn_of(orientation) in (90, 270) else (width, height)


def _dpi(picture: Image.Image) -> float | None:
    """Dots per inch as the metadata says; None when it says nothing sensible."""
    stated = picture.info.get("dpi")
    try:
        dpi = round(float(stated[0]), 3) if stated else 0.0
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return dpi if 1 < dpi < 1e5 else None  # noqa: PLR2004  -- 0, 1 and NaN stand for unknown in many files


def _tag(picture: Image.Image, tag: int, default: int) -> int:
    """A whole number out of a TIFF frame's directory; of several, the first."""
    value = getattr(picture, "tag_v2", {}).get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def _is_plain_png(picture: Image.Image) -> bool:
    """8 bits a sample and no transparency: what OpenCV reads into the same pixels as Pillow."""
    modes = {tile[3] for tile in getattr(picture, "tile", ())}
    return picture.format == "PNG" and "transparency" not in picture.info and modes <= _PLAIN


def _decode_png(body: bytes) -> tuple[BgrImage | None, None]:
    image = cv2.imdecode(np.frombuffer(body, np.uint8), AS_STORED)
    return None if image is None else np.asarray(image, dtype=np.uint8), None


def _ends_properly(tail: bytes, media_type: str) -> bool:
    """Whether the file has its end marker; without one OpenCV would fill up with grey."""
    if media_type == "image/png":
        return b"IEND" in tail[-64:]
    return tail.rstrip(_PADDING).endswith(b"\xff\xd9")
