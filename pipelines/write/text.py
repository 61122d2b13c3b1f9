"""Plain text: a line per line of the document, pages apart by form feeds."""

from __future__ import annotations

from pathlib import Path

from pipelines.write.base import DocumentInfo
from pipelines.write.page import Page

_PAGE_BREAK = "\f"


class TextWriter:
    """Writes lines in reading order. A page that was not read says so in brackets."""

    def __init__(self, target: Path, info: DocumentInfo) -> None:  # noqa: ARG002  -- text has no title
        self._file = target.open("w", encoding="utf-8", errors="replace", newline="\n")
        self._first = True

    def page(self, page: Page) -> None:
        """Write a page."""
        if not self._first:
            self._file.write(_PAGE_BREAK)
        self._first = False
        if page.notice:
            self._file.write(f"{page.notice}\n")
        self._file.writelines(f"{text}\n" for text in page.texts)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
