"""From text to placed glyphs, in units of the em."""

from __future__ import annotations

from dataclasses import dataclass

import uharfbuzz as hb

from pipelines.draw.fonts import TextFont
from pipelines.draw.runs import visual_runs

_TOP, _BOTTOM = 0.80, -0.20  # what an ordinary line takes above and below its baseline


@dataclass(frozen=True, eq=False)
class Glyph:
    """A glyph with its origin in em units; y points up."""

    font: TextFont
    number: int
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class ShapedLine:
    """A line's glyphs and the box it needs: 0..length along the line, bottom..top across, in em units.

    A vertical line runs down from y = 0; its glyphs are centred on x = 0.
    """

    glyphs: tuple[Glyph, ...]
    length: float
    bottom: float
    top: float


def shape_horizontal(text: str) -> ShapedLine:
    """Shape a line that runs from left to right on the page, whatever its scripts."""
    glyphs: list[Glyph] = []
    pen = 0.0
    for run in visual_runs(text):
        placed, advance = _shape(run.text, run.font, "rtl" if run.right_to_left else "ltr")
        glyphs += [Glyph(g.font, g.number, g.x + pen, g.y) for g in placed]
        pen += advance
    bounds = [_reach(glyph) for glyph in glyphs]
    bottom = min([_BOTTOM, *(low for low, _ in bounds)])
    top = max([_TOP, *(high for _, high in bounds)])
    return ShapedLine(tuple(glyphs), pen, bottom, top)


def shape_vertical(text: str) -> ShapedLine:
    """Shape a line that runs from top to bottom with upright characters, as ideographs are written."""
    glyphs: list[Glyph] = []
    pen = 0.0
    for run in visual_runs(text):
        placed, advance = _shape(run.text, run.font, "ttb")
        glyphs += [Glyph(g.font, g.number, g.x, g.y + pen) for g in placed]
        pen += advance
    return ShapedLine(tuple(glyphs), -pen, -0.5, 0.5)


def _shape(text: str, font: TextFont, direction: str) -> tuple[list[Glyph], float]:
    """HarfBuzz on one run: its glyphs from the run's start, and how far it goes along its direction."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = direction
    hb.shape(font.font, buffer)
    glyphs = []
    x = y = 0
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        place = ((x + position.x_offset) / font.upem, (y + position.y_offset) / font.upem)
        glyphs.append(Glyph(font, info.codepoint, *place))
        x += position.x_advance
        y += position.y_advance
    return glyphs, (y if direction == "ttb" else x) / font.upem


def _reach(glyph: Glyph) -> tuple[float, float]:
    """How far the glyph's ink goes down and up."""
    extents = glyph.font.font.get_glyph_extents(glyph.number)
    if extents is None:
        return 0.0, 0.0
    top = glyph.y + extents.y_bearing / glyph.font.upem
    return top + extents.height / glyph.font.upem, top
