"""Taking a PDF page's text layer out of PDFium, character by character."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from pipelines.read.layer import TextLayer

_UNSEEN = frozenset({pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP})
_MOST_CHARACTERS = 100_000  # no page that a person reads has as many
_FINE = 1000  # PDFium tells places on a bitmap in whole pixels: it is asked about one so many times as large
_RIGHT_ANGLES = np.pi / 2
_NEARLY = 0.03  # radians
_FLAT = 0.01  # short side to long: PDFium gives what paints nothing a thousandth of an em
_HYPHEN, _PDFIUM_HYPHEN = ord("-"), 2  # the latter stands for one at a line's end
_UNKNOWN, _SPACE = 0xFFFD, ord(" ")
_PRIVATE = range(0xE000, 0xF900)
_TALLEST = 4.0  # of a font's usual character, in its widths

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


@dataclass(frozen=True)
class _Style:
    """What all characters of one text object share: angle in radians, font, whether it leaves a mark."""

    angle: float
    font: int
    painted: bool


def text_layer_of(page: Any, size: tuple[int, int], pictures: Sequence[Box]) -> TextLayer | None:
    """The layer of a loaded page (a `pypdfium2.PdfPage`); None for one with too many characters to be text.

    The caller holds PDFium's lock.

    Args:
        page: the page.
        size: width and height in pixels at which it is rendered, as a whole.
        pictures: boxes of its pictures, in points.
    """
    with _text_page(page) as text:
        count = max(0, pdfium.FPDFText_CountChars(text))
        if count > _MOST_CHARACTERS:
            return None
        codes, boxes, objects = _characters(text, count)
        styles = _styles(text, objects)
        _mend_boxes(text, boxes, objects, styles)
    fonts = {font: number for number, font in enumerate(dict.fromkeys(style.font for style in styles))}
    to_pixels = _to_pixels(page, size)
    angles = np.array([style.angle for style in styles], dtype=np.float64)
    layer = TextLayer(
        codes=np.array(codes, dtype=np.uint32),
        quads=(_corners(boxes, angles) @ to_pixels[:2] + to_pixels[2]).astype(np.float32),
        fonts=np.array([fonts[style.font] for style in styles], dtype=np.int32),
        painted=np.array([style.painted for style in styles], dtype=np.bool_),
        pictures=_upright(pictures, to_pixels),
    )
    return _without_surrogates(layer)


def text_at(
    page: Any, size: tuple[int, int], points: NDArray[np.float64], reach: Sequence[float], *, painted: bool
) -> NDArray[np.bool_]:
    """(N,) whether a loaded page has a character that says what it is at each of (N, 2) points.

    The caller holds PDFium's lock.

    Args:
        page: the page.
        size: width and height in pixels of the rendering that the points are on.
        points: pixels.
        reach: (N,) pixels within which a character is at a point.
        painted: whether only text that is painted counts.
    """
    to_pixels = _to_pixels(page, size)
    to_points = np.linalg.inv(to_pixels[:2])
    scale = float(np.abs(np.linalg.det(to_points))) ** 0.5
    places = (points - to_pixels[2]) @ to_points
    with _text_page(page) as text:
        found = [
            _says_at(text, place, scale * far, painted) for place, far in zip(places, reach, strict=True)
        ]
    return np.array(found, dtype=np.bool_)


def _says_at(text: Any, place: NDArray[np.float64], reach: float, painted: bool) -> bool:
    index = pdfium.FPDFText_GetCharIndexAtPos(text, *place.tolist(), reach, reach)
    if index < 0 or (painted and not _style(text, index).painted):
        return False
    code = _code(text, index)
    return code > _SPACE and code != _UNKNOWN and code not in _PRIVATE


@contextmanager
def _text_page(page: Any) -> Iterator[Any]:
    text = pdfium.FPDFText_LoadPage(page)
    try:
        yield text
    finally:
        pdfium.FPDFText_ClosePage(text)


def _characters(text: Any, count: int) -> tuple[list[int], NDArray[np.float64], list[int]]:
    """Codes, (N, 4) boxes as tall as the font, and the address of each one's text object, 0 for none."""
    box = pdfium.FS_RECTF()
    codes, boxes, objects = [], np.zeros((count, 4)), []
    for index in range(count):
        codes.append(_code(text, index))
        if pdfium.FPDFText_GetLooseCharBox(text, index, box):
            boxes[index] = box.left, box.bottom, box.right, box.top
        item = pdfium.FPDFText_GetTextObject(text, index)
        objects.append(ctypes.cast(item, ctypes.c_void_p).value or 0)
    return codes, np.nan_to_num(boxes), objects


def _code(text: Any, index: int) -> int:
    code = int(pdfium.FPDFText_GetUnicode(text, index))
    if code == _PDFIUM_HYPHEN and pdfium.FPDFText_IsHyphen(text, index) == 1:
        return _HYPHEN
    # Without a ToUnicode entry PDFium hands out the number that the character has in its font.
    if pdfium.FPDFText_HasUnicodeMapError(text, index) == 1:
        code = _UNKNOWN
    if code == _UNKNOWN or code < _SPACE:
        # Some programs write a gap as a character of their own.
        return code if _paints(text, index) else _SPACE
    return code


def _paints(text: Any, index: int) -> bool:
    left, right, bottom, top = _painted_box(text, index)
    sides = sorted((right - left, top - bottom))
    return sides[0] > _FLAT * sides[1]


def _painted_box(text: Any, index: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of what a character paints, in points."""
    sides = [ctypes.c_double() for _ in range(4)]
    pdfium.FPDFText_GetCharBox(text, index, *sides)
    left, right, bottom, top = (side.value for side in sides)
    return left, right, bottom, top


def _mend_boxes(
    text: Any, boxes: NDArray[np.float64], objects: Sequence[int], styles: Sequence[_Style]
) -> None:
    """Where a font claims to be many times as tall as wide, take the height of what its text paints."""
    sideways = np.array([round(style.angle / _RIGHT_ANGLES) % 2 for style in styles], dtype=np.bool_)
    spans = boxes[:, 2:] - boxes[:, :2]
    width, height = np.where(sideways[:, np.newaxis], spans[:, ::-1], spans).T
    fonts = np.array([style.font for style in styles])
    for font in np.unique(fonts[fonts != 0]):
        own = np.flatnonzero((fonts == font) & (width > 0)).tolist()
        if own and np.median(height[own] / width[own]) > _TALLEST:
            for address in {objects[at] for at in own}:
                _mend(text, boxes, [at for at in own if objects[at] == address], sideways=sideways[own[0]])


def _mend(text: Any, boxes: NDArray[np.float64], members: Sequence[int], *, sideways: bool) -> None:
    painted = np.array([_painted_box(text, index) for index in members])
    low, high = (0, 1) if sideways else (2, 3)
    across = 0 if sideways else 1
    boxes[members, across], boxes[members, across + 2] = painted[:, low].min(), painted[:, high].max()


def _styles(text: Any, objects: Sequence[int]) -> list[_Style]:
    known: dict[int, _Style] = {0: _Style(0.0, 0, painted=False)}
    for index, address in enumerate(objects):
        if address not in known:
            known[address] = _style(text, index)
    return [known[address] for address in objects]


def _style(text: Any, index: int) -> _Style:
    item = pdfium.FPDFText_GetTextObject(text, index)
    font = ctypes.cast(pdfium.FPDFTextObj_GetFont(item), ctypes.c_void_p).value or 0
    angle = float(np.nan_to_num(pdfium.FPDFText_GetCharAngle(text, index)))
    return _Style(angle, font, pdfium.FPDFTextObj_GetTextRenderMode(item) not in _UNSEEN)


def _corners(boxes: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4, 2) corners in points; of a box on a slant PDFium only tells the upright box around it."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    spans = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    quarters = np.rint(angles / _RIGHT_ANGLES)
    straight = np.abs(angles - quarters * _RIGHT_ANGLES) < _NEARLY
    angles = np.where(straight, quarters * _RIGHT_ANGLES, angles)
    along = np.stack([np.cos(angles), -np.sin(angles)], axis=1)  # PDFium counts clockwise
    up = np.stack([-along[:, 1], along[:, 0]], axis=1)
    # A box of w by h turned by a fills an upright one whose sides add up to (w + h) (|cos a| + |sin a|); near
    # 45 degrees that is all there is to know, so h is taken to be twice w, as of most letters.
    c, s = np.abs(along).T
    width = np.where(c >= s, spans[:, 0], spans[:, 1])
    height = np.where(c >= s, spans[:, 1], spans[:, 0])
    slant = (spans.sum(axis=1) / (c + s)) / 3
    width, height = np.where(straight, width, slant), np.where(straight, height, 2 * slant)
    half_along, half_up = along * width[:, np.newaxis] / 2, up * height[:, np.newaxis] / 2
    corners = [half_up - half_along, half_up + half_along, half_along - half_up, -half_along - half_up]
    return centres[:, np.newaxis] + np.stack(corners, axis=1)


def _to_pixels(page: Any, size: tuple[int, int]) -> NDArray[np.float64]:
    """(3, 2): what x, y and 1 count for, from the page's points to pixels, by PDFium's own account."""
    place = (0, 0, size[0] * _FINE, size[1] * _FINE, 0)
    probes = np.array([(0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)])
    x, y = ctypes.c_int(), ctypes.c_int()
    found = []
    for probe in probes:
        pdfium.FPDF_PageToDevice(page, *place, *probe, x, y)
        found.append((x.value / _FINE, y.value / _FINE))
    origin, right, up = np.array(found)
    return np.stack([(right - origin) / 1000, (up - origin) / 1000, origin])


def _upright(boxes: Sequence[Box], to_pixels: NDArray[np.float64]) -> NDArray[np.float32]:
    corners = np.array(boxes, dtype=np.float64).reshape(-1, 2, 2) @ to_pixels[:2] + to_pixels[2]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def _without_surrogates(layer: TextLayer) -> TextLayer:
    """Join the halves of characters beyond the first plane, which some PDFium versions tell one by one."""
    codes = layer.codes
    high = (codes >> 10 == 0xD800 >> 10) & np.append(codes[1:] >> 10 == 0xDC00 >> 10, False)
    if not high.any():
        return layer
    joined = codes.copy()
    at = np.flatnonzero(high)
    joined[at] = 0x10000 + ((codes[at] & 0x3FF) << 10) + (codes[at + 1] & 0x3FF)
    kept = np.ones(len(codes), dtype=np.bool_)
    kept[at + 1] = False
    return TextLayer(joined[kept], layer.quads[kept], layer.fonts[kept], layer.painted[kept], layer.pictures)
