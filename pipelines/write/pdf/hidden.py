"""Taking an earlier recognition's hidden text off a scanned page, so that there are not two.

Only text in the render mode that leaves no mark is taken away, so not a pixel changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import is_
from typing import Any, Final

import pikepdf
from pikepdf import Name, Operator

from pipelines.write.pdf.sheet import inherited

_SHOWING: Final = frozenset({"Tj", "TJ", "'", '"'})
_INVISIBLE = 3
_DEEPEST = 8  # forms within forms


class BrokenContent(Exception):  # noqa: N818  -- it says what was found
    """A page's content cannot be parsed."""


@dataclass
class HiddenText:
    """Takes hidden text off pages of one PDF; a form that several of them share is looked at once."""

    _done: set[tuple[int, int]] = field(default_factory=set)

    def strip(self, pdf: pikepdf.Pdf, page: Any) -> bool:
        """Take the hidden text off a page (its dictionary); returns whether it may show other text.

        Raises `BrokenContent` where nobody can tell.
        """
        resources = inherited(page, "/Resources")
        has_text = _has(resources, "/Font")
        if has_text and (content := _without_hidden(page)) is not None:
            page.Contents = pdf.make_stream(content)
        for form in _forms(resources, 0):
            has_text = has_text or _has(form.get("/Resources"), "/Font")
            if form.objgen not in self._done:
                self._done.add(form.objgen)
                if (content := _without_hidden(form)) is not None:
                    form.write(content)
        return has_text


def _has(dictionary: Any, name: str) -> bool:
    return isinstance(dictionary, pikepdf.Dictionary) and len(dictionary.get(name, ())) > 0


def _forms(resources: Any, depth: int) -> Iterator[Any]:
    if depth == _DEEPEST or not _has(resources, "/XObject"):
        return
    for item in resources.XObject.values():
        if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == Name.Form:
            yield item
            yield from _forms(item.get("/Resources"), depth + 1)


def _without_hidden(holder: Any) -> bytes | None:
    """The content of a page or form without its hidden text; None where it has none."""
    try:
        instructions = list(pikepdf.parse_content_stream(holder))
        kept = list(_kept(instructions))
        same = len(kept) == len(instructions) and all(map(is_, kept, instructions))
        return None if same else pikepdf.unparse_content_stream(kept)
    except (pikepdf.PdfError, IndexError, TypeError, ValueError) as error:
        raise BrokenContent from error


def _kept(instructions: Iterable[Any]) -> Iterator[Any]:
    """All but text that is shown in mode 3 inside text objects that show no other."""
    mode, outer = 0, list[int]()
    block: list[Any] | None = None
    modes: set[int] = set()
    for instruction in instructions:
        name = str(instruction.operator)
        if name == "q":
            outer.append(mode)
        elif name == "Q":
            mode = outer.pop() if outer else mode
        elif name == "Tr":
            mode = int(instruction.operands[0])
        elif name == "BT":
            block, modes = [], set()
        elif name in _SHOWING:
            modes.add(mode)
        if block is None:
            yield instruction
            continue
        block.append(instruction)
        if name == "ET":
            yield from _emptied(block) if modes == {_INVISIBLE} else block
            block = None
    yield from block or ()


def _emptied(block: Iterable[Any]) -> Iterator[Any]:
    """A text object with nothing shown: what it sets of the state holds on behind it."""
    for instruction in block:
        name = str(instruction.operator)
        if name == '"':
            for operand, setter in zip(instruction.operands, ("Tw", "Tc"), strict=False):
                yield pikepdf.ContentStreamInstruction([operand], Operator(setter))
        elif name not in _SHOWING:
            yield instruction
