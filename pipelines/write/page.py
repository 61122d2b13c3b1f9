"""A page as writers take it: the pipeline's JSON, or the record of why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from pipelines.write.blocks import Block, blocks_of
from pipelines.write.lines import Line, lines_of, texts_of
from pipelines.write.placed import PlacedLine, placed
from pipelines.write.places import Places

State: TypeAlias = Literal["done", "failed", "cancelled", "skipped"]

_UNSAID = "No reason was recorded."


@dataclass(frozen=True, eq=False)
class Page:
    """One page of a document.

    What is worked out of its JSON is worked out once, however many writers ask.

    Attributes:
        number: From 1.
        content: The page's JSON: the inner object of `OCRResult.json`, as `pages/00001.json` holds it; or a
            record with `state` and `reason`.
    """

    number: int
    content: Mapping[str, Any]

    @property
    def state(self) -> State:
        """`done`, or why it was not read: `failed`, `cancelled`, `skipped`."""
        state: State = self.content.get("state", "done")
        return state

    @property
    def reason(self) -> str:
        """Why it was not read, one sentence; empty for one that was."""
        return "" if self.state == "done" else str(self.content.get("reason") or _UNSAID)

    @property
    def notice(self) -> str:
        """What stands in the place of a page that was not read; empty for one that was."""
        return "" if self.state == "done" else f"[Page {self.number} {_STATES[self.state]}: {self.reason}]"

    @property
    def texts(self) -> list[str]:
        """The texts of its lines in reading order; none for one that was not read."""
        return texts_of(self.content) if self.state == "done" else []

    @cached_property
    def places(self) -> Places:
        """Its size, and the way from the picture that was read back to it."""
        return Places.of(self.content.get("page") or {})

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Its lines in reading order; none for one that was not read."""
        return lines_of(self.content) if self.state == "done" else ()

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Its paragraphs, items of lists and tables in reading order."""
        return blocks_of(self.lines)

    @cached_property
    def placed(self) -> Mapping[int, PlacedLine]:
        """Its lines and their words on the page as the source shows it, by the lines' `index`."""
        return placed(self.lines, self.places)


_STATES = {"failed": "could not be read", "cancelled": "was not read", "skipped": "was left out"}
