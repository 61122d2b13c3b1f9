"""Setting a line of text into a quadrilateral of a picture."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from pipelines.draw.runs import is_right_to_left
from pipelines.draw.shaping import ShapedLine, shape_horizontal, shape_vertical

Quad = NDArray[np.float64]
"""(4, 2): x and y of the corners, clockwise from where the text begins above."""

_TALL = 1.5  # height to width from which on recognition, too, takes a line as standing
_FILL = 0.94  # of the height that the ink may take
_WIDEST = 1.15  # letters are widened no further to reach the end of their line
_NARROWEST = 0.6  # nor narrowed further: the whole line becomes smaller instead
_UPRIGHT = ("CJK UNIFIED", "CJK COMPAT", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC")


def set_line(canvas: NDArray[np.uint8], quad: Quad, text: str, colour: tuple[int, int, int]) -> None:
    """Draw `text` into `quad` on a BGR canvas, in place; without letters or area nothing is drawn."""
    width, height = _sides(quad)
    if height >= _TALL * width:
        if _stands_upright(text):
            _draw(canvas, quad, shape_vertical(text), colour, vertical=True)
            return
        quad = np.roll(quad, -1, axis=0)  # the letters lie on their backs: the line runs down the long side
    _draw(canvas, quad, shape_horizontal(text), colour, at_end=is_right_to_left(text))


def _stands_upright(text: str) -> bool:
    letters = [c for c in text if unicodedata.category(c)[0] == "L"]
    ideographs = sum(unicodedata.name(c, "").startswith(_UPRIGHT) for c in letters)
    return 2 * ideographs > len(letters)


def _sides(quad: Quad) -> tuple[float, float]:
    """Mean length of the upper and lower sides, and of the left and right ones."""
    across = np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])
    down = np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])
    return float(across) / 2, float(down) / 2


def _draw(
    canvas: NDArray[np.uint8],
    quad: Quad,
    line: ShapedLine,
    colour: tuple[int, int, int],
    *,
    vertical: bool = False,
    at_end: bool = False,
) -> None:
    width, height = _sides(quad)
    if not line.glyphs or line.length <= 0 or min(width, height) < 1:
        return
    along, across = (height, width) if vertical else (width, height)
    size, stretch = _scale(line, along, across)
    slack = along - line.length * stretch
    start = slack if at_end else 0.0
    right = (quad[1] - quad[0] + quad[2] - quad[3]) / (2 * width)
    down = (quad[3] - quad[0] + quad[2] - quad[1]) / (2 * height)
    middle = (across - (line.top - line.bottom) * size) / 2
    if vertical:
        origin, x_axis, y_axis = quad[0] + right * (across / 2), right * size, -down * stretch
    else:
        origin = quad[0] + right * start + down * (middle + line.top * size)
        x_axis, y_axis = right * stretch, -down * size
    _blend(canvas, quad, line, (origin, x_axis, y_axis), colour)


def _scale(line: ShapedLine, along: float, across: float) -> tuple[float, float]:
    """Pixels per em across the line and along it, so that the line keeps inside its box."""
    size = across * _FILL / (line.top - line.bottom)
    stretch = along / line.length
    if stretch < _NARROWEST * size:
        return stretch / _NARROWEST, stretch
    return size, min(stretch, _WIDEST * size)


def _blend(
    canvas: NDArray[np.uint8],
    quad: Quad,
    line: ShapedLine,
    frame: tuple[Quad, Quad, Quad],
    colour: tuple[int, int, int],
) -> None:
    """Rasterise inside the quad's bounding box and lay the ink over the canvas."""
    left, above = np.maximum(np.floor(quad.min(axis=0)), 0).astype(int)
    right, below = np.minimum(np.ceil(quad.max(axis=0)) + 1, canvas.shape[1::-1]).astype(int)
    if left >= right or above >= below:
        return
    raster = hb.RasterDraw()
    raster.extents = hb.RasterExtents(int(left), int(-below), int(right - left), int(below - above), 0)
    _outline(raster, line, frame)
    image = raster.render()
    if image is None:
        return
    extents = image.extents
    ink = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    ink = np.ascontiguousarray(ink[::-1, : extents.width])
    region = canvas[above:below, left:right]
    paper = cv2.multiply(region, cv2.merge([255 - ink] * 3), scale=1 / 255)
    cv2.add(paper, cv2.merge([cv2.convertScaleAbs(ink, alpha=part / 255) for part in colour]), dst=region)


def _outline(raster: hb.RasterDraw, line: ShapedLine, frame: tuple[Quad, Quad, Quad]) -> None:
    """Hand the glyphs' outlines to the rasteriser. Its y points up: the picture is drawn upside down."""
    (ox, oy), (ax, ay), (bx, by) = (axis.tolist() for axis in frame)  # plain floats are faster one by one
    for glyph in line.glyphs:
        unit = 1 / glyph.font.upem
        x, y = ox + ax * glyph.x + bx * glyph.y, oy + ay * glyph.x + by * glyph.y
        raster.transform = (ax * unit, -ay * unit, bx * unit, -by * unit, x, -y)
        raster.draw_glyph(glyph.font.font, glyph.number)
