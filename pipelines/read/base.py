"""What every open document can do, whatever its type."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pipelines.errors import OptionError
from pipelines.read.limits import ReadLimits
from pipelines.read.page_range import selected_pages
from pipelines.read.pages import DocumentInfo, PageImage, PageInfo

Source = Path | bytes


class Document(ABC):
    """An open document; close it, or use it in a `with` block.

    One thread at a time. Raises InputError from `page` for that page only: the others can still be taken.
    """

    def __init__(self, source: Source, name: str, media_type: str, limits: ReadLimits) -> None:
        self.name = name
        self.media_type = media_type
        self.limits = limits
        self._source = source
        self._selected: list[int] | None = None

    @property
    def info(self) -> DocumentInfo:
        """The type and the pages, those asked for only; decodes nothing."""
        numbers = self._selected or range(1, self.page_count + 1)
        return DocumentInfo(self.media_type, tuple(self._page_info(number) for number in numbers))

    def select(self, pages: str | Iterable[int] | None) -> None:
        """Let `info` list only these pages: `"1-3,7,10-"`, numbers from 1, or None for all.

        Raises:
            OptionError: no page range, or a page that is not there.
        """
        self._selected = None if pages is None else selected_pages(pages, self.page_count, self.name)

    def page(self, number: int) -> PageImage:
        """Decode page `number`, which counts from 1.

        Raises:
            InputError: the page is damaged or too large; the sentence names the document and the page.
            OptionError: there is no such page.
        """
        if not 1 <= number <= self.page_count:
            raise OptionError(f"{self.name} has no page {number}; it has {self.page_count}")
        return self._decode(number)

    def where(self, number: int) -> str:
        """How errors call a page."""
        return f"{self.name}, page {number}" if self.page_count > 1 else self.name

    @property
    @abstractmethod
    def page_count(self) -> int:
        """How many pages the document claims."""

    @abstractmethod
    def _page_info(self, number: int) -> PageInfo: ...

    @abstractmethod
    def _decode(self, number: int) -> PageImage: ...

    @abstractmethod
    def close(self) -> None:
        """Give back files and memory; closing twice is no fault."""

    @property
    def input_path(self) -> str | None:
        """The path it was opened by; None for bytes."""
        return str(self._source) if isinstance(self._source, Path) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def mapped(source: Source) -> Iterator[bytes | mmap.mmap]:
    """The document's bytes; a file is mapped, so that its size costs no memory. It must not be empty."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        yield body
