"""What a born-digital page says by itself: a line that is there already gets no second copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.errors import InputError
from pipelines.read.limits import ReadLimits
from pipelines.read.pdf import PdfDocument
from pipelines.write.lines import Line
from pipelines.write.page import Page

_READ_BEFORE = ReadLimits(max_bytes=1 << 62, max_pages=1 << 31)  # whoever read it kept to limits
_PLACES = np.linspace(-0.45, 0.45, 10)  # along a line, its middle at 0, where text is looked for
_THERE = 0.3  # share of the places at which there is some


class OwnText:
    """Tells which lines of a PDF's pages are written on them; opens it when first asked."""

    def __init__(self, source: Path, password: str | None) -> None:
        self._source = source
        self._password = password
        self._document: PdfDocument | None = None

    def without(self, lines: Sequence[Line], page: Page, *, painted: bool) -> list[Line]:
        """Those of `lines` where the page has no text of its own whose meaning is known.

        With `painted`, only text that is painted counts, which on a scan means: hidden behind a picture.
        """
        places = page.places
        corners = places.to_source([line.corners for line in lines])
        along = corners[:, 1] - corners[:, 0] + corners[:, 2] - corners[:, 3]
        middles = corners.mean(axis=1)[:, np.newaxis] + along[:, np.newaxis] * _PLACES[:, np.newaxis] / 2
        heights = np.linalg.norm(corners[:, 0] - corners[:, 3], axis=1)
        try:
            found = self._opened().text_at(
                page.number,
                (places.width, places.height),
                middles.reshape(-1, 2),
                np.repeat(heights / 3, len(_PLACES)).tolist(),
                painted=painted,
            )
        except InputError:  # PDFium could render the page: there is no text, then, that it could tell
            return list(lines)
        shares = found.reshape(len(lines), -1).mean(axis=1)
        return [line for line, share in zip(lines, shares.tolist(), strict=True) if share < _THERE]

    def _opened(self) -> PdfDocument:
        if self._document is None:
            self._document = PdfDocument(
                self._source, self._source.name, _READ_BEFORE, dpi=72, password=self._password
            )
        return self._document

    def close(self) -> None:
        """Let go of the PDF."""
        if self._document is not None:
            self._document.close()
