"""Whether a PDF page was drawn, or is a picture that somebody put into a PDF.

Of use to whoever straightens photographs: a page drawn from text and vectors is straight by construction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from pipelines.read.pages import Origin

_NEARLY_ALL = 0.9  # of what the page shows
_GRID = 128  # cells a side on which areas are counted: a scan cut into strips is one picture
_MOST_MARKS = 20_000  # no scan has as many
_DEEPEST = 8  # forms within forms
_UNSEEN = frozenset({pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP})

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


@dataclass(frozen=True)
class Mark:
    """One object that a page paints."""

    kind: int
    box: Box


def marks_of(page: Any) -> list[Mark]:
    """What a loaded page (a `pypdfium2.PdfPage`) paints; the caller holds PDFium's lock."""
    return list(islice(_marks(page, np.eye(3), 0), _MOST_MARKS))


def pictures_among(marks: Iterable[Mark]) -> list[Box]:
    """The boxes of those that are pictures."""
    return [mark.box for mark in marks if mark.kind == pdfium.FPDF_PAGEOBJ_IMAGE]


def origin_of(marks: list[Mark], sheet: Box) -> Origin:
    """The origin of a page that paints `marks` and shows what is inside `sheet`.

    It is a scan when pictures cover nine tenths of all it paints, margins not counted, and no text is to be
    seen. Text is not to be seen when it is invisible, as OCR lays it over a scan, or under a later picture.
    """
    pictures = pictures_among(marks)
    if not pictures or len(marks) == _MOST_MARKS or _shows_text(marks):
        return "digital"
    painted = _area((mark.box for mark in marks if mark.kind != pdfium.FPDF_PAGEOBJ_TEXT), sheet)
    return "scan" if _area(pictures, sheet) >= _NEARLY_ALL * painted > 0 else "digital"


def _shows_text(marks: list[Mark]) -> bool:
    above: list[Box] = []
    for mark in reversed(marks):
        if mark.kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            above.append(mark.box)
        elif mark.kind == pdfium.FPDF_PAGEOBJ_TEXT and not any(_hides(box, mark.box) for box in above):
            return True
    return False


def _hides(picture: Box, text: Box) -> bool:
    x, y = (text[0] + text[2]) / 2, (text[1] + text[3]) / 2
    return picture[0] <= x <= picture[2] and picture[1] <= y <= picture[3]


def _area(boxes: Iterable[Box], sheet: Box) -> int:
    """How many of the cells of a grid over the sheet the boxes cover together."""
    corner = np.array(sheet[:2] * 2)
    size = np.maximum(np.array(sheet[2:] * 2) - corner, 1e-6)
    grid = np.zeros((_GRID, _GRID), dtype=np.bool_)
    for box in boxes:
        left, bottom, right, top = np.rint(np.clip((box - corner) / size, 0, 1) * _GRID).astype(int)
        grid[bottom:top, left:right] = True
    return int(grid.sum())


def _marks(holder: Any, matrix: NDArray[np.float64], depth: int) -> Iterator[Mark]:
    """What a page or a form paints, in that order; `matrix` leads from its points to the page's."""
    count = pdfium.FPDFFormObj_CountObjects if depth else pdfium.FPDFPage_CountObjects
    take = pdfium.FPDFFormObj_GetObject if depth else pdfium.FPDFPage_GetObject
    for index in range(count(holder)):
        item = take(holder, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            yield from _marks(item, _matrix(item) @ matrix, depth + 1)
        elif kind != pdfium.FPDF_PAGEOBJ_TEXT or pdfium.FPDFTextObj_GetTextRenderMode(item) not in _UNSEEN:
            yield Mark(kind, _box(item, matrix))


def _matrix(form: Any) -> NDArray[np.float64]:
    m = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(form, m):
        return np.eye(3)
    return np.array([[m.a, m.b, 0], [m.c, m.d, 0], [m.e, m.f, 1]], dtype=np.float64)


def _box(item: Any, matrix: NDArray[np.float64]) -> Box:
    """The upright box around an object; an empty one where PDFium knows none."""
    sides = [ctypes.c_float() for _ in range(4)]
    pdfium.FPDFPageObj_GetBounds(item, *sides)
    left, bottom, right, top = (side.value for side in sides)
    corners = np.nan_to_num(np.array([(x, y, 1) for x in (left, right) for y in (bottom, top)]) @ matrix)
    (x0, y0, _), (x1, y1, _) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1
