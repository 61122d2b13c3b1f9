"""A PDF made of the pictures of a picture file, with what was read in them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from pipelines.errors import InputError, WriteError
from pipelines.write.base import DocumentInfo
from pipelines.write.page import Page
from pipelines.write.pdf.archive import archive_entries
from pipelines.write.pdf.frames import Frame, Frames
from pipelines.write.pdf.glyphless import Blocks, add_fonts, resource_name
from pipelines.write.pdf.layer import layer_of
from pipelines.write.pdf.objects import Entries, PdfFile, Value, text_string
from pipelines.write.pdf.sheet import Sheet

_PREFIX = "F"
_PRODUCER = "Pageline"
_POINTS = 72.0
_A4: Final = (595.0, 842.0)
_LARGEST = 14_400.0  # points a side (ISO 32000-1, annex C)
_LEAST_DPI = 96.0  # of a picture that does not say its own
_SIDEWAYS = frozenset({5, 6, 7, 8})
# From the unit square of an image to a page of 1 by 1, by EXIF orientation (TIFF 6.0, tag 274).
_TURNS: Final = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}


class PicturePages:
    """Writes a page for each picture, as large as its resolution says; pictures go through one at a time.

    A picture that does not say its resolution gets a page as long as A4 at most. One that cannot be decoded
    gets an empty page, so that pages keep their numbers.
    """

    def __init__(self, target: Path, source: Path, info: DocumentInfo, *, archive: bool) -> None:
        self._title = info.name
        self._archive = archive
        try:
            self._frames = Frames(source, plain=archive, limits=info.limits)
        except InputError as error:
            raise WriteError(f"the source cannot be opened: {error}") from error
        self._file = PdfFile(target)
        self._blocks = Blocks()
        self._tree, self._fonts = self._file.reserve(), self._file.reserve()
        self._pages: list[int] = []

    def page(self, page: Page) -> None:
        """Write a page."""
        try:
            frame = self._frames.take(page.number)
        except InputError:
            self._add(b"", _A4, None)
            return
        size = _size(frame)
        turn = _TURNS[frame.orientation]
        matrix = [number * size[at % 2] for at, number in enumerate(turn)]
        content = f"q {' '.join(f'{number:.6g}' for number in matrix)} cm /Im Do Q\n".encode("ascii")
        self._add(content + self._layer(page, size), size, self._image(frame))

    def _layer(self, page: Page, size: tuple[float, float]) -> bytes:
        places = page.places
        to_page = Sheet((0, 0, *size), 0).from_pixels(places.width, places.height)
        return layer_of(page.lines, places, to_page, self._blocks, _PREFIX) or b""

    def _image(self, frame: Frame) -> int:
        return self._file.add(
            {
                "Type": "/XObject",
                "Subtype": "/Image",
                "Width": str(frame.width),
                "Height": str(frame.height),
                "BitsPerComponent": str(frame.bits),
                "ColorSpace": self._space(frame),
                **frame.entries,
            },
            frame.data,
        )

    def _space(self, frame: Frame) -> Value:
        if frame.profile is None:
            return frame.space
        entries = {"N": str(frame.channels), "Filter": "/FlateDecode"}
        profile = self._file.add(entries, zlib.compress(frame.profile, 9))
        return f"[/ICCBased {profile} 0 R]"

    def _add(self, content: bytes, size: tuple[float, float], image: int | None) -> None:
        stream = self._file.add({"Filter": "/FlateDecode"}, zlib.compress(content))
        pictures = "" if image is None else f"/XObject << /Im {image} 0 R >> "
        self._pages.append(
            self._file.add(
                {
                    "Type": "/Page",
                    "Parent": self._tree,
                    "MediaBox": f"[0 0 {size[0]:.6g} {size[1]:.6g}]",
                    "Resources": f"<< {pictures}/Font {self._fonts} 0 R >>",
                    "Contents": stream,
                }
            )
        )

    def close(self) -> None:
        """Finish the file. Raises `OSError`."""
        self._frames.close()
        file = self._file
        fonts = add_fonts(self._blocks, file.add)
        file.put(self._fonts, {resource_name(plane, _PREFIX): font for plane, font in fonts.items()})
        file.put(self._tree, {"Type": "/Pages", "Kids": self._pages, "Count": str(len(self._pages))})
        more: Entries = archive_entries(self._title, _PRODUCER, file.add) if self._archive else {}
        root = file.add({"Type": "/Catalog", "Pages": self._tree, **more})
        info = file.add({"Title": text_string(self._title), "Producer": text_string(_PRODUCER)})
        file.finish(root, info)
        file.close()


def _size(frame: Frame) -> tuple[float, float]:
    """Width and height of a picture's page in points."""
    width, height = frame.width, frame.height
    across, down = frame.dpi or (max(_LEAST_DPI, max(width, height) * _POINTS / _A4[1]),) * 2
    wide, high = width / across * _POINTS, height / down * _POINTS
    shrink = min(1.0, _LARGEST / max(wide, high))
    size = max(wide * shrink, 1.0), max(high * shrink, 1.0)
    return size[::-1] if frame.orientation in _SIDEWAYS else size
