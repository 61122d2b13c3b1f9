"""What the scripts hand out to be done: a released range of pages, or a step of a whole document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from infra.lines import announcement, ingest_lane
from infra.status.states import Mode


class Step(StrEnum):
    """A piece of work on a whole document that one process does at a time."""

    SPLIT = "split"
    FINALIZE = "finalize"


class Claim(StrEnum):
    """What became of asking for a lease."""

    GO = "go"
    EXHAUSTED = "exhausted"  # leased, but tried too often: its holder ends the document
    HELD = "held"  # somebody else has it
    SETTLED = "settled"  # nothing is left to do
    GONE = "gone"  # the message is old


class Commit(StrEnum):
    """What became of a commit."""

    FIRST = "first"
    LAST = "last"  # the first for its page, and the one that completed the document
    REPEATED = "repeated"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PageRange:
    """Pages `first` to `last` of a document, both included, counted from 1."""

    document: str
    generation: int
    first: int
    last: int
    mode: Mode = Mode.NORMAL

    @property
    def member(self) -> str:
        """Its name among what is released; `parse_work` reads it."""
        return f"{self.document}:{self.generation}:{self.first}:{self.last}:{self.mode}"

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return f"{self.document}:{self.generation}:r{self.first}-{self.last}-{self.mode}"

    def page_lease(self, page: int) -> str:
        """The name of a page's lease."""
        return f"{self.document}:{self.generation}:p{page}"

    @classmethod
    def of_lease(cls, lease: str) -> Self | None:
        """The page that a lease is on, as a range of its own; None for leases on anything else."""
        document, generation, name = lease.split(":")
        if not name.startswith("p"):
            return None
        return cls(document, int(generation), int(name[1:]), int(name[1:]))


@dataclass(frozen=True, slots=True)
class DocumentStep:
    """Splitting or finalizing of a document."""

    document: str
    generation: int
    step: Step

    @property
    def member(self) -> str:
        """Its name; `parse_work` reads it."""
        return f"{self.document}:{self.generation}:{self.step}"

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return self.member


@dataclass(frozen=True, slots=True)
class Announcement:
    """A document that is announced; `member` is its `DocumentRef` as JSON."""

    member: str

    @classmethod
    def of(cls, ref: Mapping[str, Any]) -> Self:
        """The announcement of a `DocumentRef`'s fields."""
        return cls(announcement(ref))

    @property
    def ref(self) -> dict[str, Any]:
        """The fields of the `DocumentRef`."""
        found: dict[str, Any] = json.loads(self.member)
        return found

    @property
    def lane(self) -> str:
        """The lane it waits in."""
        return ingest_lane(str(self.ref.get("tenant", "")))


Work = PageRange | DocumentStep | Announcement


def parse_work(member: str) -> Work:
    """Read an announcement or `id:generation:` with `first:last:mode`, `split` or `finalize` behind it."""
    if member.startswith("{"):
        return Announcement(member)
    document, generation, *rest = member.split(":")
    if len(rest) == 1:
        return DocumentStep(document, int(generation), Step(rest[0]))
    first, last, mode = rest
    return PageRange(document, int(generation), int(first), int(last), Mode(mode))
