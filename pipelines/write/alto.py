"""ALTO 4.4 (loc.gov/standards/alto): the text with its places, for libraries and archives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.write.base import DocumentInfo
from pipelines.write.blocks import Block
from pipelines.write.markup import escaped
from pipelines.write.page import Page
from pipelines.write.placed import PlacedLine, main_language
from pipelines.write.places import Box, Point, around

_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"


class AltoWriter:
    """Writes ALTO. Places are pixels of the page as the source shows it, of PDFs as they were rendered."""

    def __init__(self, target: Path, info: DocumentInfo) -> None:
        self._file = target.open("w", encoding="utf-8", newline="\n")
        self._file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<alto xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{_NAMESPACE} {_SCHEMA}" SCHEMAVERSION="4.4">\n'
            "<Description><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation>"
            f"<fileName>{escaped(info.name)}</fileName></sourceImageInformation>"
            '<Processing ID="ocr"><processingCategory>contentGeneration</processingCategory>'
            "<processingSoftware><softwareName>pageline</softwareName></processingSoftware></Processing>"
            "</Description>\n<Layout>\n"
        )
        self._empty = True

    def page(self, page: Page) -> None:
        """Write a page; of one that was not read `QUALITY` says so, and `QUALITY_DETAIL` why."""
        self._empty = False
        places = page.places
        language = main_language(page.lines)
        missing = f' QUALITY="Missing" QUALITY_DETAIL="{escaped(page.notice)}"' if page.notice else ""
        self._file.write(
            f'<Page ID="page_{page.number}" PHYSICAL_IMG_NR="{page.number}" WIDTH="{places.width}" '
            f'HEIGHT="{places.height}" PROCESSING="ocr"{_lang(language)}{missing}>\n'
            f"<PrintSpace{_place((0, 0, places.width, places.height))}>\n"
        )
        self._file.writelines(_blocks(page, language))
        self._file.write("</PrintSpace>\n</Page>\n")

    def close(self) -> None:
        """Finish the file."""
        if self._empty:  # the schema wants a page
            self._file.write('<Page ID="page_0" PHYSICAL_IMG_NR="0" QUALITY="Missing"/>\n')
        self._file.write("</Layout>\n</alto>\n")
        self._file.close()


def _blocks(page: Page, language: str | None) -> Iterator[str]:
    line_number = 0
    for number, block in enumerate(page.blocks, start=1):
        lines = [page.placed[line.index] for line in block.lines]
        box = around([line.box for line in lines])
        yield f'<TextBlock ID="block_{page.number}_{number}"{_place(box)}{_rotation(block, lines)}>\n'
        for line in lines:
            line_number += 1
            yield _line(line, f"line_{page.number}_{line_number}", language)
        yield "</TextBlock>\n"


def _rotation(block: Block, lines: list[PlacedLine]) -> str:
    turn = lines[0].turn if block.lines else 0.0
    return f' ROTATION="{turn % 360:.1f}"' if turn else ""


def _line(placed: PlacedLine, name: str, language: str | None) -> str:
    line = placed.line
    direction = "ttb" if line.is_vertical else "rtl" if line.is_right_to_left else ""
    own = f' BASEDIRECTION="{direction}"' if direction else ""
    own += _lang(line.language) if line.language != language else ""
    baseline = " ".join(map(_point, placed.baseline))
    strings = "<SP/>".join(
        [
            f'<String HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}" '
            f'WC="{word.score:.3f}" CONTENT="{escaped(word.text)}"/>'
            for word, (left, top, right, bottom) in placed.words
        ]
    )
    return f'<TextLine ID="{name}"{_place(placed.box)} BASELINE="{baseline}"{own}>{strings}</TextLine>\n'


def _place(box: Box) -> str:
    left, top, right, bottom = box
    return f' HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'


def _point(point: Point) -> str:
    return f"{round(point[0])},{round(point[1])}"


def _lang(language: str | None) -> str:
    return f' LANG="{escaped(language)}"' if language else ""
