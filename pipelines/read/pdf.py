"""PDF pages through PDFium.

PDFium keeps state that all documents of a process share and is not safe across threads, so every call into it
is made under one lock.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from pipelines.errors import DamagedInput, InputError, PasswordRequired
from pipelines.read import sniff
from pipelines.read.base import Document, Source, mapped
from pipelines.read.limits import ReadLimits
from pipelines.read.pages import BgrImage, PageImage, PageInfo
from pipelines.read.pdf_origin import marks_of, origin_of, pictures_among
from pipelines.read.pdf_text import text_at, text_layer_of

_POINTS_PER_INCH = 72
_PDFIUM = threading.RLock()


class PdfDocument(Document):
    """A PDF, its pages rendered with annotations and filled-in form fields.

    Raises:
        PasswordRequired: encrypted, and the password is missing or wrong.
        DamagedInput: it cannot be opened, has no pages, or none of its pages can be loaded.
        LimitExceeded: more pages than `max_pages`.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        limits: ReadLimits,
        *,
        dpi: float,
        password: str | None,
        text_layer: bool = False,
    ) -> None:
        super().__init__(source, name, sniff.PDF, limits)
        self._dpi = dpi
        self._with_text_layer = text_layer
        self._closed = False
        with _PDFIUM:
            self._pdf = self._open(password)
            try:
                self._count = len(self._pdf)
                self._check_pages()
            except InputError:
                self.close()
                raise

    def _open(self, password: str | None) -> Any:
        try:
            pdf = pypdfium2.PdfDocument(self._source, password=password)
        except pypdfium2.PdfiumError as error:
            raise self._refusal(error, password) from error
        if pdf.get_formtype() in (pdfium.FORMTYPE_ACRO_FORM, pdfium.FORMTYPE_XFA_FOREGROUND):
            try:
                pdf.init_forms()
            except pypdfium2.PdfiumError:  # a broken form is drawn as far as the page itself goes
                return pdf
        return pdf

    def _refusal(self, error: pypdfium2.PdfiumError, password: str | None) -> InputError:
        # PDFium sets no code for a PDF without pages; the one of an earlier failure is then still there.
        code = getattr(error, "err_code", None) if self._says_encrypted() else None
        match code:
            case pdfium.FPDF_ERR_PASSWORD if password is None:
                return PasswordRequired(f"{self.name}: the PDF is encrypted and needs a password")
            case pdfium.FPDF_ERR_PASSWORD:
                return PasswordRequired(f"{self.name}: the password given does not open this PDF")
            case pdfium.FPDF_ERR_SECURITY:
                return PasswordRequired(f"{self.name}: the PDF is encrypted in a way that is not supported")
        return DamagedInput(
            f"{self.name}: the PDF cannot be opened, it is damaged beyond repair or has no pages"
        )

    def _says_encrypted(self) -> bool:
        """Whether the file names an encryption dictionary at all; trailers are never compressed."""
        with mapped(self._source) as body:
            return body.find(b"/Encrypt") >= 0

    def _check_pages(self) -> None:
        self.limits.check_pages(self._count, self.name)
        if not any(self._points(number) for number in range(1, self._count + 1)):
            claim = (
                "its one page cannot"
                if self._count == 1
                else f"none of the {self._count} pages it claims can"
            )
            raise DamagedInput(f"{self.name}: the PDF is damaged, {claim} be loaded")

    @property
    def page_count(self) -> int:
        """As many as the PDF claims; some may turn out not to be there."""
        return self._count

    def _points(self, number: int) -> tuple[float, float] | None:
        """The page's width and height in points, `/Rotate` applied; None when it cannot be loaded."""
        with _PDFIUM:
            try:
                width, height = self._pdf.get_page_size(number - 1)
            except pypdfium2.PdfiumError:
                return None
        return float(width), float(height)

    def _fit(self, number: int) -> tuple[int, int, float]:
        """Width and height in pixels, and the dpi; InputError for a page that cannot be rendered."""
        where = self.where(number)
        points = self._points(number)
        if points is None:
            raise DamagedInput(f"{where}: the page is listed in the PDF and cannot be loaded")
        if not (min(points) > 0 and math.isfinite(sum(points))):
            raise DamagedInput(f"{where}: the page has no size ({points[0]:g}x{points[1]:g} points)")
        dpi = self.limits.fitting_dpi(*points, self._dpi, where)
        # Rounded up as PDFium's own tools do, but not beyond a limit.
        rounded = math.ceil if dpi == self._dpi else math.floor
        width, height = (max(1, rounded(side * dpi / _POINTS_PER_INCH)) for side in points)
        return width, height, dpi

    def _page_info(self, number: int) -> PageInfo:
        try:
            width, height, dpi = self._fit(number)
        except InputError as error:
            return PageInfo(number, 0, 0, 0.0, None, str(error))
        return PageInfo(number, width, height, width * height / 1e6, round(dpi, 3))

    def _decode(self, number: int) -> PageImage:
        width, height, dpi = self._fit(number)
        with _PDFIUM, self._translated(number), closing(self._pdf[number - 1]) as page:
            self.limits.check_marks(pdfium.FPDFPage_CountObjects(page), self.where(number))
            image = self._render(page, width, height)
            marks = marks_of(page)
            layer = None
            if self._with_text_layer:
                layer = text_layer_of(page, (width, height), pictures_among(marks))
            return PageImage(
                image=image,
                input_path=self.input_path,
                page_index=number - 1,
                number=number,
                width=width,
                height=height,
                dpi=round(dpi, 3),
                rotation=int(page.get_rotation()),
                media_type=self.media_type,
                origin=origin_of(marks, page.get_bbox()),
                text_layer=layer,
            )

    def text_at(
        self,
        number: int,
        size: tuple[int, int],
        points: NDArray[np.float64],
        reach: Sequence[float],
        *,
        painted: bool,
    ) -> NDArray[np.bool_]:
        """Where on a page text stands, see `pipelines.read.pdf_text.text_at`. Raises `DamagedInput`."""
        with _PDFIUM, self._translated(number), closing(self._pdf[number - 1]) as page:
            return text_at(page, size, points, reach, painted=painted)

    @staticmethod
    def _render(page: Any, width: int, height: int) -> BgrImage:
        """Draw a loaded page on white, in exactly this size."""
        image = np.full((height, width, 3), 255, dtype=np.uint8)
        pixels = (ctypes.c_ubyte * image.size).from_buffer(image.data)  # PDFium draws into the array: no copy
        with closing(
            pypdfium2.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR, buffer=pixels)
        ) as bitmap:
            place = (0, 0, width, height, 0, pdfium.FPDF_ANNOT)
            pdfium.FPDF_RenderPageBitmap(bitmap, page, *place)
            if page.formenv is not None:
                pdfium.FPDF_FFLDraw(page.formenv, bitmap, page, *place)
        return image

    @contextmanager
    def _translated(self, number: int) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except (pypdfium2.PdfiumError, ValueError) as error:
            raise DamagedInput(f"{self.where(number)}: the page cannot be rendered ({error})") from error
        except MemoryError as error:
            raise DamagedInput(f"{self.where(number)}: there is no memory to render the page") from error

    def close(self) -> None:
        """Close the PDF at once, in this thread: a garbage collector might do it in another."""
        with _PDFIUM:
            if not self._closed:
                self._closed = True
                self._pdf.close()
