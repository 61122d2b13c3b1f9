"""PDFs and pictures made for the tests, pages as the pipeline would have read them, and readers of them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.write import DocumentInfo, Page
from pipelines.write.pdf.writer import ArchivePdfWriter, PdfWriter

Box = tuple[float, float, float, float]

# What shows a page otherwise than it stands in the file: its entries, and its size at 144 dpi as it is shown.
SHOWN_PAGES: tuple[tuple[dict[str, Any], tuple[int, int]], ...] = (
    ({}, (400, 600)),
    ({"Rotate": 90}, (600, 400)),
    ({"Rotate": 180}, (400, 600)),
    ({"Rotate": -90}, (600, 400)),
    ({"CropBox": [20, 30, 120, 130]}, (200, 200)),
    ({"CropBox": [20, 30, 120, 180], "Rotate": 90}, (300, 200)),
    ({"MediaBox": [-50, 100, 150, 400]}, (400, 600)),
    ({"MediaBox": [200, 300, 0, 0], "UserUnit": 2.5}, (400, 600)),
)
SCRIPTS = (
    "שלום עולם 123 כן",
    "السلام عليكم 25 مئوية",
    "abc שלום def",
    "日本語、テスト。",
    "emoji 😀 and 𠀀 𐌰",
    "naïve Ærøskøbing Ελλάδα Привет हिन्दी ไทย",
    "a",
    "co-operate x² …",
)


class Kit:
    """What the tests of searchable PDFs share, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def page(
        self,
        lines: Sequence[tuple[str, Sequence[tuple[float, float]] | Box]],
        size: tuple[int, int],
        *,
        number: int = 1,
        origin: str = "scan",
        transform: dict[str, Any] | None = None,
        from_pdf: Sequence[bool] | None = None,
        turned: Sequence[int] | None = None,
    ) -> Page:
        """A page with lines in boxes (left, top, right, bottom) or quads, in pixels as it was read."""
        quads = [_corners(place) for _, place in lines]
        content = {
            "rec_texts": [text for text, _ in lines],
            "rec_scores": [1.0] * len(lines),
            "rec_polys": quads,
            "dt_polys": quads,
            "textline_orientation_angles": list(turned or [0] * len(lines)),
            "text_source": ["pdf" if own else "ocr" for own in from_pdf or [False] * len(lines)],
            "page": {
                "number": number,
                "width": size[0],
                "height": size[1],
                "dpi": 144.0,
                "origin": origin,
                "transform": transform or {"angle": 0, "source_size": list(size), "grid": None},
            },
        }
        return Page(number, content)

    def write(self, source: Path, pages: Sequence[Page], *, archive: bool = False, **known: Any) -> Path:
        """The searchable PDF of a source."""
        target = self.folder / f"{source.stem}.out.pdf"
        info = DocumentInfo(source.name, len(pages), source=source, **known)
        writer = (ArchivePdfWriter if archive else PdfWriter)(target, info)
        try:
            for page in pages:
                writer.page(page)
        finally:
            writer.close()
        return target

    def scan(self, name: str = "scan.pdf", *, pages: int = 1, content: bytes = b"", **entries: Any) -> Path:
        """A PDF of 200 by 300 points whose pages are pictures; `entries` go into its pages."""
        path = self.folder / name
        with pikepdf.new() as pdf:
            for _ in range(pages):
                pdf.add_blank_page(page_size=(200, 300))
            for page in pdf.pages:
                image = pdf.make_stream(
                    np.arange(600, dtype=np.uint8).repeat(100).tobytes(),
                    Type=pikepdf.Name.XObject,
                    Subtype=pikepdf.Name.Image,
                    Width=200,
                    Height=300,
                    BitsPerComponent=8,
                    ColorSpace=pikepdf.Name.DeviceGray,
                )
                page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=image), Font=_helvetica())
                page.Contents = pdf.make_stream(b"q 200 0 0 300 0 0 cm /Im Do Q\n" + content)
                for key, value in entries.items():
                    page.obj[f"/{key}"] = pikepdf.Array(value) if isinstance(value, list) else value
            pdf.save(path)
        return path

    def letter(self, content: bytes, name: str = "letter.pdf") -> Path:
        """A born-digital PDF page of 200 by 300 points, with Helvetica as `/F`."""
        path = self.folder / name
        with pikepdf.new() as pdf:
            page = pdf.add_blank_page(page_size=(200, 300))
            page.Resources = pikepdf.Dictionary(Font=_helvetica())
            page.Contents = pdf.make_stream(content)
            pdf.save(path)
        return path

    def picture(self, name: str, mode: str = "RGB", size: tuple[int, int] = (200, 300), **save: Any) -> Path:
        """A picture whose corners differ."""
        picture = Image.new(mode, size, "white")
        draw = ImageDraw.Draw(picture)
        draw.rectangle((10, 20, 90, 60), fill="black")
        draw.rectangle((120, 200, 190, 290), outline="black" if mode == "1" else "red", width=3)
        picture.save(self.folder / name, **save)
        return self.folder / name


def _corners(place: Sequence[Any]) -> list[list[float]]:
    if isinstance(place[0], (int, float)):
        left, top, right, bottom = place
        return [[left, top], [right, top], [right, bottom], [left, bottom]]
    return [list(point) for point in place]


def _helvetica() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(
        F=pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )


class Readers:
    """What PDFium finds in a PDF."""

    @staticmethod
    def pdfium(path: Path, number: int = 1, password: str | None = None) -> str:
        """The text, its lines apart by single ends."""
        with pypdfium2.PdfDocument(path, password=password) as pdf:
            text = pdf[number - 1].get_textpage().get_text_range()
        return "\n".join(line.strip() for line in text.replace("\r", "").splitlines() if line.strip())

    @staticmethod
    def boxes(path: Path, size: tuple[int, int], number: int = 1) -> dict[str, Box]:
        """Each word's box on a rendering of that size (left, top, right, bottom), by PDFium."""
        found: dict[str, Box] = {}
        with pypdfium2.PdfDocument(path) as pdf:
            page = pdf[number - 1]
            text = page.get_textpage()
            box, word, area = pdfium.FS_RECTF(), "", []
            for index in range(text.count_chars()):
                character = chr(pdfium.FPDFText_GetUnicode(text, index))
                if character.isspace():
                    word, area = "", []
                    continue
                pdfium.FPDFText_GetLooseCharBox(text, index, box)
                area += [_on(page, size, box.left, box.bottom), _on(page, size, box.right, box.top)]
                word += character
                xs, ys = zip(*area, strict=True)
                found[word] = min(xs), min(ys), max(xs), max(ys)
        return found

    @staticmethod
    def pixels(
        path: Path, number: int = 1, scale: float = 2, password: str | None = None
    ) -> NDArray[np.uint8]:
        """The page as PDFium paints it."""
        with pypdfium2.PdfDocument(path, password=password) as pdf:
            return pdf[number - 1].render(scale=scale).to_numpy().copy()


def _on(page: Any, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    found = ctypes.c_int(), ctypes.c_int()
    fine = 100  # PDFium answers in whole pixels
    pdfium.FPDF_PageToDevice(page, 0, 0, size[0] * fine, size[1] * fine, 0, x, y, *found)
    return found[0].value / fine, found[1].value / fine
