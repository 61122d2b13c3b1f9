"""What every writer of a readable document is: pages go in one after the other, a file comes out.

A writer is made with the path of its file and with what is known of the document. It takes every page of the
document once, in order, those that were not read too: none is dropped in silence. Nothing in it grows
with the number of pages but what its format makes unavoidable. The same pages give the same bytes, so there
are neither times nor chance in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.read import ReadLimits
from pipelines.write.page import Page


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document before its first page.

    Attributes:
        name: Its title: the source's file name.
        pages: How many it has, those included that were not to be read.
        language: What it is written in, an ISO 639-1 code; None when nobody said, or it is several.
        source: A copy of the source on this machine; None where no writer asked for it, or it is gone.
        password: Of an encrypted source.
        limits: What the source may hold; None for the defaults.
    """

    name: str
    pages: int
    language: str | None = None
    source: Path | None = None
    password: str | None = None
    limits: ReadLimits | None = None


class DocumentWriter(Protocol):
    """Writes one file. Made with its path and a `DocumentInfo`."""

    def page(self, page: Page) -> None:
        """Take the next page, read or not.

        Raises `pipelines.errors.WriteError` when no file can come of it any more, and `OSError`.
        """
        ...

    def close(self) -> None:
        """Finish the file and let go of it, once; after an error too, when what it leaves is thrown away.

        Raises as `page` does.
        """
        ...
