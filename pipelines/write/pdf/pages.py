"""A PDF's own pages with a text layer where they are pictures."""

from __future__ import annotations

import logging
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

from pipelines.errors import WriteError
from pipelines.write.base import DocumentInfo
from pipelines.write.lines import Line
from pipelines.write.page import Page
from pipelines.write.pdf.glyphless import Blocks, add_fonts, resource_name
from pipelines.write.pdf.hidden import BrokenContent, HiddenText
from pipelines.write.pdf.layer import layer_of
from pipelines.write.pdf.objects import Entries, Value
from pipelines.write.pdf.own_text import OwnText
from pipelines.write.pdf.sheet import inherited, sheet_of

_log = logging.getLogger(__name__)
_ARCHIVED = frozenset({"2U", "2A"})
_ANOTHER_SIZE = 0.02  # of a side: the page is not the one that was read


class PdfPages:
    """Writes a copy of a PDF; nothing in it is encoded anew, and an encrypted one keeps its encryption.

    Every page stays, those too that were not to be read. A document without a page that needs a layer is
    copied byte for byte.
    """

    def __init__(self, target: Path, source: Path, info: DocumentInfo, *, archive: bool) -> None:
        self._target, self._source = target, source
        self._translated = partial(_translated, source, info.name)
        with self._translated():
            self._pdf = pikepdf.open(source, password=info.password or "", suppress_warnings=True)
            if archive:
                _check_archived(self._pdf)
        self._own = OwnText(source, info.password)
        self._hidden = HiddenText()
        self._blocks = Blocks()
        self._fonts: dict[int, pikepdf.Object] = {}
        self._sound = True

    def page(self, page: Page) -> None:
        """Give the page its layer, if it needs one. Raises `WriteError`."""
        lines = [line for line in page.lines if not line.from_pdf]
        if not lines:
            return
        is_scan = (page.content.get("page") or {}).get("origin") == "scan"
        wanted: Sequence[Line] = page.lines if is_scan else lines
        try:
            with self._translated():
                self._add(page, wanted, is_scan=is_scan)
        except WriteError:
            self._sound = False
            raise

    def _add(self, page: Page, lines: Sequence[Line], *, is_scan: bool) -> None:
        if page.number > len(self._pdf.pages):
            raise WriteError(f"the PDF has no page {page.number} for qpdf, which copies its pages")
        target = self._pdf.pages[page.number - 1].obj
        sheet = sheet_of(target)
        if not _alike(sheet.size, (page.places.width, page.places.height)):
            _log.warning("page %d has another shape for qpdf; it gets no text layer", page.number)
            return
        try:
            if not is_scan or self._hidden.strip(self._pdf, target):
                lines = self._own.without(lines, page, painted=is_scan)
        except BrokenContent:
            _log.warning("page %d may have a text layer in broken content; it gets no other", page.number)
            return
        to_page = sheet.from_pixels(page.places.width, page.places.height)
        names = self._names(target)
        content = layer_of(lines, page.places, to_page, self._blocks, names)
        if content is None:
            return
        stream = self._pdf.make_stream(zlib.compress(b"q\n" + content + b"\nQ\n"), Filter=Name.FlateDecode)
        # In front: whatever state the page's own content leaves behind does not matter there.
        target.Contents = Array([stream, *_contents(target)])
        fonts = _fonts_of(target)
        for plane in self._blocks.planes:
            fonts[f"/{resource_name(plane, names)}"] = self._font(plane)

    def _names(self, target: Any) -> str:
        """How the fonts are called on this page: nothing that is there already is called so."""
        fonts = _fonts_of(target)
        prefix = "Pageline"
        while any(
            key.startswith(f"/{prefix}") and font.objgen not in {ours.objgen for ours in self._fonts.values()}
            for key, font in fonts.items()
        ):
            prefix += "_"
        return prefix

    def _font(self, plane: int) -> Any:
        """The font of a plane; what is in it, the last page decides."""
        if plane not in self._fonts:
            self._fonts[plane] = self._pdf.make_indirect(Dictionary())
        return self._fonts[plane]

    def close(self) -> None:
        """Write the file. Raises `WriteError` and `OSError`."""
        self._own.close()
        with self._pdf, self._translated():
            if self._fonts:
                self._finish()
            elif self._sound:
                shutil.copyfile(self._source, self._target)

    def _finish(self) -> None:
        if not self._sound:
            return
        for plane, number in add_fonts(self._blocks, self._put).items():
            for key, value in self._pdf.get_object(number, 0).items():
                self._font(plane)[key] = value
        # Beside encryption qpdf takes no decode level; its own leaves all but LZW and ASCII codings alone.
        manner: dict[str, Any] = {"encryption": True}
        if not self._pdf.is_encrypted:
            as_it_is = pikepdf.StreamDecodeLevel.none
            manner = {"compress_streams": False, "stream_decode_level": as_it_is, "deterministic_id": True}
        self._pdf.save(self._target, fix_metadata_version=False, **manner)

    def _put(self, entries: Entries, data: bytes | None) -> int:
        found = {f"/{name}": self._object(value) for name, value in entries.items()}
        made = Dictionary(found) if data is None else self._pdf.make_stream(data, found)
        return int(self._pdf.make_indirect(made).objgen[0])

    def _object(self, value: Value) -> Any:
        if isinstance(value, str):
            return pikepdf.Object.parse(value.encode("ascii"))
        if isinstance(value, int):
            return self._pdf.get_object(value, 0)
        return Array([self._pdf.get_object(number, 0) for number in value])


def _check_archived(pdf: pikepdf.Pdf) -> None:
    """Raise `WriteError` for a PDF that is not by its own word what an archive asks for."""
    declared = pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False).pdfa_status
    if declared not in _ARCHIVED or pdf.is_encrypted:
        claim = f"declares itself PDF/A-{declared.lower()}" if declared else "does not declare itself PDF/A"
        raise WriteError(
            f"the source {claim}; only pictures, and PDFs that are PDF/A-2u or 2a already, become PDF/A-2u"
        )


def _alike(size: tuple[float, float], pixels: tuple[int, int]) -> bool:
    """Whether a page of this size can have been rendered to these pixels."""
    (width, height), (wide, high) = size, pixels
    return abs(width * high - height * wide) <= _ANOTHER_SIZE * height * wide


def _contents(page: Any) -> Iterator[Any]:
    """The streams of a page's content."""
    found = page.get("/Contents")
    for stream in found if isinstance(found, Array) else [found]:
        if isinstance(stream, pikepdf.Stream):
            yield stream


def _fonts_of(page: Any) -> Any:
    """The fonts that a page's content knows by name, to be added to."""
    resources = inherited(page, "/Resources")
    if not isinstance(resources, Dictionary):
        resources = page.Resources = Dictionary()
    if not isinstance(resources.get("/Font"), Dictionary):
        resources.Font = Dictionary()
    return resources.Font


@contextmanager
def _translated(source: Path, name: str) -> Iterator[None]:
    """Errors of qpdf as `WriteError`: they begin with the path of `source`, which is nobody's business."""
    try:
        yield
    except pikepdf.PasswordError as error:
        raise WriteError("the PDF is encrypted, and the password does not open it for qpdf") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).replace(str(source), name)
        raise WriteError(f"the PDF is damaged so that its pages cannot be copied ({reason})") from error
