"""Everything `predict` accepts, as a stream of pages."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from pipelines.errors import UnsupportedInput
from pipelines.read import sniff
from pipelines.read.document import open_document
from pipelines.read.limits import ReadLimits
from pipelines.read.pages import PageImage
from pipelines.read.picture import page_of_pillow
from pipelines.read.pixels import array_to_bgr
from pipelines.read.url import UrlRules, download, is_url, public_name

_CLAIMED = frozenset(
    [
        ".pdf",
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".webp",
        ".jp2",
        ".pbm",
        ".pgm",
        ".ppm",
        ".avif",
        ".heic",
        ".heif",
    ]
)


@dataclass(frozen=True)
class _Reader:
    limits: ReadLimits
    dpi: float
    password: str | None
    pages: str | Iterable[int] | None
    url_rules: UrlRules
    text_layer: bool

    def read(self, source: Any) -> Iterator[PageImage]:
        if isinstance(source, PageImage):
            yield source
        elif isinstance(source, np.ndarray):
            yield self._array(source)
        elif isinstance(source, Image.Image):
            yield page_of_pillow(source, self.limits)
        elif isinstance(source, bytes | bytearray | memoryview):
            yield from self._document(bytes(source))
        elif isinstance(source, str | os.PathLike):
            yield from self._named(source if isinstance(source, str) else Path(source))
        elif isinstance(source, list | tuple | Iterator):
            for each in source:
                yield from self.read(each)
        else:
            raise UnsupportedInput(
                f"{type(source).__name__}: is no input; an array, a Pillow picture, bytes, a path, a URL or "
                "a list of those is"
            )

    def _array(self, array: np.ndarray[Any, Any]) -> PageImage:
        if array.ndim > 1:
            self.limits.check_size(array.shape[1], array.shape[0], "the array")
        image = array_to_bgr(array)
        height, width = image.shape[:2]
        return PageImage(image, None, None, 1, width, height, None, 0, None)

    def _named(self, source: str | Path) -> Iterator[PageImage]:
        if source == "":
            raise UnsupportedInput("an empty text is no path")
        if isinstance(source, str) and is_url(source):
            yield from self._url(source)
        elif isinstance(source, str) and "://" in source:
            raise UnsupportedInput(f"{public_name(source)}: only http and https addresses can be read")
        elif os.path.isdir(source):  # noqa: PTH112  -- Path.is_dir raises where a folder above may not be entered
            for path in documents_in(Path(source)):
                yield from self._document(path)
        else:
            yield from self._document(Path(source))

    def _url(self, url: str) -> Iterator[PageImage]:
        shown = public_name(url)
        with tempfile.TemporaryDirectory(prefix="pageline-") as folder:
            target = Path(folder) / "download"
            download(url, target, self.limits, self.url_rules)
            name = Path(urlsplit(shown).path).name or shown
            for page in self._document(target, name):
                yield replace(page, input_path=shown)

    def _document(self, source: Path | bytes, name: str | None = None) -> Iterator[PageImage]:
        with open_document(
            source,
            password=self.password,
            dpi=self.dpi,
            limits=self.limits,
            pages=self.pages,
            name=name,
            text_layer=self.text_layer,
            thorough=True,
        ) as document:
            for page in document.info.pages:
                yield document.page(page.number)


def iter_inputs(
    source: Any,
    *,
    limits: ReadLimits | None = None,
    dpi: float = 144,
    password: str | None = None,
    pages: str | Iterable[int] | None = None,
    url_rules: UrlRules | None = None,
    text_layer: bool = False,
) -> Iterator[PageImage]:
    """The pages of anything `predict` accepts, in order, each decoded when it is asked for.

    That is an array, a Pillow picture, bytes, a path, a URL, a folder, a PageImage, or a list or an iterator
    of these. A folder gives its PDFs and pictures, sorted by path, sub-folders included; other files and
    hidden ones are passed over. Arrays are BGR, see `pixels.array_to_bgr`. With `text_layer`, the pages of
    PDFs bring the text they carry.

    Raises:
        InputError: when the input that is at fault is reached; the sentence names it and the page.
    """
    reader = _Reader(limits or ReadLimits(), dpi, password, pages, url_rules or UrlRules(), text_layer)
    yield from reader.read(source)


def documents_in(folder: Path) -> list[Path]:
    """The documents in a folder and below, sorted by path.

    Taken are files that are a PDF or a picture by content, and those whose name claims to be one: of the
    latter, a bad one is told by an error instead of by silence.

    Raises:
        UnsupportedInput: there is none.
    """
    found = [path for path in sorted(folder.rglob("*")) if _is_wanted(path, folder)]
    if not found:
        raise UnsupportedInput(f"{folder}: the folder holds no PDF and no picture")
    return found


def _is_wanted(path: Path, folder: Path) -> bool:
    if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
        return False
    if path.suffix.lower() in _CLAIMED:
        return True
    try:
        with path.open("rb") as file:
            return sniff.known_type(file.read(sniff.HEAD_BYTES)) is not None
    except OSError:
        return False
