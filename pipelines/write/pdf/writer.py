"""The searchable PDF of a document, whatever its source is."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import WriteError
from pipelines.read import sniff
from pipelines.write.base import DocumentInfo
from pipelines.write.page import Page
from pipelines.write.pdf.pages import PdfPages
from pipelines.write.pdf.pictures import PicturePages


class PdfWriter:
    """Writes the source's pages, and over those that are pictures what was read in them."""

    _archive = False

    def __init__(self, target: Path, info: DocumentInfo) -> None:
        if info.source is None:
            raise WriteError("a PDF shows the pages of its source, and there is no source at hand")
        with info.source.open("rb") as file:
            kind = sniff.known_type(file.read(sniff.HEAD_BYTES))
        self._pages: PdfPages | PicturePages
        if kind == sniff.PDF:
            self._pages = PdfPages(target, info.source, info, archive=self._archive)
        else:
            self._pages = PicturePages(target, info.source, info, archive=self._archive)

    def page(self, page: Page) -> None:
        """Take the next page."""
        self._pages.page(page)

    def close(self) -> None:
        """Finish the file."""
        self._pages.close()


class ArchivePdfWriter(PdfWriter):
    """Writes PDF/A-2u: of pictures always, of a PDF only if that declares itself as much."""

    _archive = True
