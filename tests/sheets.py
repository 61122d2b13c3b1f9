"""Pages as the pipeline's JSON tells of them, made up line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipelines.scripts import script_of
from pipelines.write import WRITERS, DocumentInfo, Page

Box = tuple[float, float, float, float]
ROW = 30  # pixels between two lines
HEIGHT = 26  # pixels of a line, with the margin that detection leaves
_EM = 18  # pixels


def sheet(*lines: tuple[str, Box], width: int = 1000, height: int = 1400, **fields: Any) -> dict[str, Any]:
    """The JSON of a page that has these lines, each with its box, in this reading order."""
    texts = [text for text, _ in lines]
    return {
        "rec_texts": texts,
        "rec_scores": [0.97] * len(lines),
        "rec_polys": [[[a, b], [c, b], [c, d], [a, d]] for _, (a, b, c, d) in lines],
        "reading_order": list(range(len(lines))),
        "rec_scripts": [script_of(text) for text in texts],
        "rec_languages": [None] * len(lines),
        "textline_orientation_angles": [0] * len(lines),
        "text_source": ["ocr"] * len(lines),
        "page": {"number": 1, "width": width, "height": height, "dpi": 144},
        **fields,
    }


def line(
    text: str, row: float, left: float = 100, *, height: float = HEIGHT, ems: float = 0.5
) -> tuple[str, Box]:
    """A line in the row of that number, as long as its characters are wide on average."""
    top = 100 + row * ROW
    return text, (left, top, left + len(text) * _EM * ems * height / HEIGHT, top + height)


def column(texts: Sequence[str], row: float = 0, left: float = 100) -> list[tuple[str, Box]]:
    """Lines below each other."""
    return [line(text, row + at, left) for at, text in enumerate(texts)]


def written(folder: Path, name: str, *pages: dict[str, Any], info: DocumentInfo | None = None) -> str:
    """The text of the file that a writer makes of these pages."""
    target = folder / WRITERS[name].file
    writer = WRITERS[name].open(target, info or DocumentInfo("a letter.pdf", len(pages)))
    for number, content in enumerate(pages, start=1):
        writer.page(Page(number, content))
    writer.close()
    return target.read_bytes().decode("utf-8")


FAILED = {"state": "failed", "reason": "Its <image> is torn & lost."}
SKIPPED = {"state": "skipped", "reason": "It is not among the pages that were asked for."}
CANCELLED = {"state": "cancelled", "reason": "The document was cancelled before."}


def with_characters(content: dict[str, Any], places: Iterable[Sequence[Box]]) -> dict[str, Any]:
    """The page with the boxes of its lines' characters, in reading order."""
    boxes = [list(each) for each in places]
    return content | {
        "text_chars": [list(text) for text in content["rec_texts"]],
        "text_char_scores": [[0.9] * len(each) for each in boxes],
        "text_char_polys": [[[[a, b], [c, b], [c, d], [a, d]] for a, b, c, d in each] for each in boxes],
    }
