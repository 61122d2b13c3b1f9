"""hOCR 1.2 (kba.github.io/hocr-spec/1.2): the text with its places, as HTML that is XML as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.write.base import DocumentInfo
from pipelines.write.blocks import Block
from pipelines.write.markup import escaped
from pipelines.write.page import Page
from pipelines.write.placed import PlacedLine, main_language
from pipelines.write.places import Box, around

_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_lang ocrp_dir ocrp_wconf"


class HocrWriter:
    """Writes hOCR. Places are pixels of the page as the source shows it, of PDFs as they were rendered."""

    def __init__(self, target: Path, info: DocumentInfo) -> None:
        self._file = target.open("w", encoding="utf-8", newline="\n")
        self._name = escaped(info.name.replace('"', "'"))
        language = escaped(info.language or "und")
        self._file.write(
            "<!DOCTYPE html>\n"
            f'<html xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">\n<head>\n'
            f'<meta charset="utf-8"/>\n<title>{escaped(info.name)}</title>\n'
            '<meta name="ocr-system" content="pageline"/>\n'
            f'<meta name="ocr-capabilities" content="{_CAPABILITIES}"/>\n'
            f'<meta name="ocr-number-of-pages" content="{info.pages}"/>\n</head>\n<body>\n'
        )

    def page(self, page: Page) -> None:
        """Write a page; one that was not read has its reason in place of areas."""
        places = page.places
        resolution = f"; scan_res {places.dpi:g} {places.dpi:g}" if places.dpi else ""
        title = (
            f"image &quot;{self._name}&quot;; bbox 0 0 {places.width} {places.height}; "
            f"ppageno {page.number - 1}{resolution}"
        )
        language = main_language(page.lines)
        self._file.write(f'<div class="ocr_page" id="page_{page.number}" title="{title}"{_lang(language)}>\n')
        if page.notice:
            self._file.write(f'<p data-state="{page.state}">{escaped(page.notice)}</p>\n')
        self._file.writelines(_areas(page, language))
        self._file.write("</div>\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.write("</body>\n</html>\n")
        self._file.close()


def _areas(page: Page, language: str | None) -> Iterator[str]:
    """The page's areas: blocks that stand below each other in one column."""
    areas: list[list[Block]] = []
    for block in page.blocks:
        if areas and block.below:
            areas[-1].append(block)
        else:
            areas.append([block])
    line_number = 0
    for number, area in enumerate(areas, start=1):
        lines = [[page.placed[line.index] for line in block.lines] for block in area]
        boxes = [around([line.box for line in each]) for each in lines]
        yield f'<div class="ocr_carea" id="area_{page.number}_{number}" title="{_bbox(around(boxes))}">\n'
        for at, (each, box) in enumerate(zip(lines, boxes, strict=True), start=1):
            yield f'<p class="ocr_par" id="par_{page.number}_{number}_{at}" title="{_bbox(box)}">\n'
            for line in each:
                line_number += 1
                yield _line(line, f"{page.number}_{line_number}", language)
            yield "</p>\n"
        yield "</div>\n"


def _line(placed: PlacedLine, name: str, language: str | None) -> str:
    line = placed.line
    own = _lang(line.language) if line.language != language else ""
    direction = ' dir="rtl"' if line.is_right_to_left else ""
    style = ' style="writing-mode:vertical-rl"' if line.is_vertical else ""
    words = " ".join(
        [
            f'<span class="ocrx_word" id="word_{name}_{at}" title="bbox {left} {top} {right} {bottom}; '
            f'x_wconf {round(100 * word.score)}">{escaped(word.text)}</span>'
            for at, (word, (left, top, right, bottom)) in enumerate(placed.words, start=1)
        ]
    )
    title = _bbox(placed.box) + _stance(placed)
    return f'<span class="ocr_line" id="line_{name}" title="{title}"{own}{direction}{style}>{words}</span>\n'


def _stance(placed: PlacedLine) -> str:
    """How a line is turned; of one that is not, where its text rests, from the lower left of its box."""
    turn = placed.turn
    if turn:
        return f"; textangle {round(turn % 360)}"
    (a, b), (c, d) = placed.baseline
    if placed.line.is_vertical or c <= a:
        return ""
    slope = (d - b) / (c - a)
    return f"; baseline {slope:.4g} {round(b + slope * (placed.box[0] - a)) - placed.box[3]}"


def _bbox(box: Box) -> str:
    left, top, right, bottom = box
    return f"bbox {left} {top} {right} {bottom}"


def _lang(language: str | None) -> str:
    return f' lang="{escaped(language)}" xml:lang="{escaped(language)}"' if language else ""
