"""Which readable documents can be made, by the names they are asked for; no writer is imported for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.write.base import DocumentInfo, DocumentWriter


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of readable document.

    Attributes:
        name: What it is asked for as.
        file: The name of its file.
        media_type: Of the file, with its character set where it has one.
        home: Where its writer is: `module:class`.
        wants_source: Whether the writer needs a copy of the source.
        wants_characters: Whether it is better where pages were read with `return_word_box`.
    """

    name: str
    file: str
    media_type: str
    home: str
    wants_source: bool = False
    wants_characters: bool = False

    def open(self, target: Path, info: DocumentInfo) -> DocumentWriter:
        """Make a writer of the file `target`. Raises `pipelines.errors.WriteError` and `OSError`."""
        module, _, name = self.home.partition(":")
        writer: DocumentWriter = getattr(import_module(module), name)(target, info)
        return writer


_ALL = (
    Format("txt", "document.txt", "text/plain; charset=utf-8", "pipelines.write.text:TextWriter"),
    Format("md", "document.md", "text/markdown; charset=utf-8", "pipelines.write.markdown:MarkdownWriter"),
    Format("csv", "document.csv", "text/csv; charset=utf-8", "pipelines.write.records:CsvWriter"),
    Format("jsonl", "document.jsonl", "application/jsonl", "pipelines.write.records:JsonLinesWriter"),
    Format(
        "hocr",
        "document.hocr.html",
        "text/html; charset=utf-8",
        "pipelines.write.hocr:HocrWriter",
        wants_characters=True,
    ),
    Format(
        "alto",
        "document.alto.xml",
        "application/xml",
        "pipelines.write.alto:AltoWriter",
        wants_characters=True,
    ),
    Format(
        "pdf",
        "document.pdf",
        "application/pdf",
        "pipelines.write.pdf.writer:PdfWriter",
        wants_source=True,
        wants_characters=True,
    ),
    Format(
        "pdfa",
        "document.pdfa.pdf",
        "application/pdf",
        "pipelines.write.pdf.writer:ArchivePdfWriter",
        wants_source=True,
        wants_characters=True,
    ),
)
WRITERS: Final = {each.name: each for each in _ALL}


def media_type_of(file: str) -> str | None:
    """The media type of a readable document by its file's name; None for other files."""
    return next((each.media_type for each in WRITERS.values() if each.file == file), None)


def formats_of(names: Iterable[str]) -> list[Format]:
    """The formats of these names, in the order they are listed here; other names are passed over."""
    wanted = set(names)
    return [each for name, each in WRITERS.items() if name in wanted]
