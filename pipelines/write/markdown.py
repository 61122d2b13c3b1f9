"""Markdown (CommonMark with GitHub's tables): paragraphs, headings by their size, lists, simple tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipelines.write.base import DocumentInfo
from pipelines.write.blocks import Block
from pipelines.write.page import Page

_HEADINGS = ((1.75, "# "), (1.42, "## "), (1.25, "### "))  # size to that of the body's text
_LONGEST_HEADING = 120  # characters
_SENTENCE_END = (".", ",", ";", "\u3002", "\uff0c", "\uff1b", "\u3001")
_MOST_HEADING_LINES = 3
_STEP = 4000  # sizes are told apart in parts of the page's longer side
_TELLING = 1500  # characters from which a document's usual size counts for more than a page's
_ODD_PAGE = 1.2  # to the document's usual size, from which a page is one of large type
_SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+[^\W\d_][^.!?;\d]*$")
_LONGEST_SECTION = 90  # characters
_NEST = 1.2  # usual heights by which an item stands further in than the one it belongs to
_BULLET = re.compile(r"[•●▪■◦‣\u2043∙◆➢➤✓·○►*\u2013\u2014-]\s*")
_NUMBER = re.compile(r"(\d{1,3})([.)])\s+")
_SPECIAL = re.compile(r"([\\`*\[\]<>~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")
_LEADING = re.compile(r"^(#{1,6}(?=\s|$)|[+-](?=\s|$)|={1,}\s*$|-{2,}\s*$|\d{1,9}(?=[.)](?:\s|$)))")


class MarkdownWriter:
    """Writes Markdown; pages are parted by a rule and a comment with the number of the page."""

    def __init__(self, target: Path, info: DocumentInfo) -> None:  # noqa: ARG002  -- the text has a title of its own
        self._file = target.open("w", encoding="utf-8", errors="replace", newline="\n")
        self._sizes: Counter[int] = Counter()
        self._first = True

    def page(self, page: Page) -> None:
        """Write a page."""
        if not self._first:
            self._file.write(f"\n---\n\n<!-- page {page.number} -->\n\n")
        self._first = False
        if page.notice:
            self._file.write(f"> **{escaped(page.notice)}**\n")
            return
        blocks = page.blocks
        body = self._body(blocks, max(page.places.read_size))
        self._file.write("\n\n".join(_rendered(blocks, body)))
        self._file.write("\n" if blocks else "")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _body(self, blocks: Sequence[Block], side: int) -> float:
        """The size of the type that is neither headings nor small print, pixels of this page."""
        if not blocks or not side:
            return 1.0
        sizes: Counter[int] = Counter()
        for block in blocks:
            for row in block.rows:
                for spot in row.spots:
                    sizes[round(spot.size / side * _STEP)] += len(spot.line.text)
        self._sizes.update(sizes)
        own, usual = _middle(sizes), _middle(self._sizes)
        if self._sizes.total() > _TELLING and own > _ODD_PAGE * usual:
            own = usual
        return max(own / _STEP * side, 1.0)


def _middle(sizes: Counter[int]) -> int:
    """The weighted median."""
    half, seen = sizes.total() / 2, 0
    for size in sorted(sizes):
        seen += sizes[size]
        if seen >= half:
            return size
    return 0


def _rendered(blocks: Sequence[Block], body: float) -> list[str]:
    """Blocks as Markdown; the items of a list stand together."""
    found: list[str] = []
    lefts: list[float] = []  # of the items that those of the list at hand are part of
    for at, block in enumerate(blocks):
        if block.kind != "item" or not block.below:
            lefts = []
        section = _section(blocks, at)
        if section or block.kind != "item":
            lefts = []
            found.append(_table(block) if block.kind == "table" else _paragraph(block, body, section))
            continue
        inside = bool(lefts)
        while lefts and block.left < lefts[-1] - _NEST * body:
            lefts.pop()
        if not lefts or block.left > lefts[-1] + _NEST * body:
            lefts.append(block.left)
        item = _item(block, "   " * (len(lefts) - 1))
        if inside:
            found[-1] += f"\n{item}"
        else:
            found.append(item)
    return found


def _section(blocks: Sequence[Block], at: int) -> str:
    """The mark of a numbered heading in the body's size: a line alone, without numbered neighbours."""
    block = blocks[at]
    number = _SECTION.match(block.rows[0].text) if block.is_alone and block.kind != "table" else None
    around = [*blocks[at + 1 : at + 2], *(blocks[at - 1 : at] if at else ())]
    if number is None or len(number.string) > _LONGEST_SECTION or at + 1 == len(blocks):
        return ""
    if any(other.kind == "item" for other in around) or blocks[at + 1].kind == "table":
        return ""
    return "## " if number[1].isdecimal() else "### "


def _paragraph(block: Block, body: float, section: str) -> str:
    mark = min(filter(None, (_heading(block, body), section)), key=len, default="")
    if mark:
        return mark + escaped(" ".join(row.text for row in block.rows))
    return "\\\n".join(_at_start(escaped(text)) for text in block.texts)


def _heading(block: Block, body: float) -> str:
    size = block.size
    mark = next((mark for least, mark in _HEADINGS if size >= least * body), "")
    if not mark or len(block.rows) > _MOST_HEADING_LINES:
        return ""
    text = " ".join(block.texts)
    letters = sum(character.isalpha() for character in text)
    is_long = len(text) > _LONGEST_HEADING
    return "" if is_long or 2 * letters < len(text) or text.endswith(_SENTENCE_END) else mark


def _item(block: Block, indent: str) -> str:
    text = " ".join(block.texts)
    number, bullet = _NUMBER.match(text), _BULLET.match(text)
    if number:
        mark, rest = f"{number[1]}{number[2]} ", text[number.end() :]
    else:
        mark, rest = "- ", text[bullet.end() :] if bullet else text
    return f"{indent}{mark}{_at_start(escaped(rest))}"


def _table(block: Block) -> str:
    head, *rows = ([escaped(cell) for cell in row] for row in block.cells)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escaped(text: str) -> str:
    """A text of one line as Markdown that shows it as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _at_start(text: str) -> str:
    """What is no mark of Markdown where a line begins, either."""
    return _LEADING.sub(lambda found: _harmless(found[1]), text)


def _harmless(mark: str) -> str:
    return f"{mark}\\" if mark.isdecimal() else f"\\{mark}"
