"""Readable documents for whoever uses the pipeline as a library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from pipelines.errors import OptionError
from pipelines.read import ReadLimits
from pipelines.write.base import DocumentInfo
from pipelines.write.page import Page
from pipelines.write.registry import WRITERS, Format


class HasJson(Protocol):
    """A result as `predict` gives it."""

    @property
    def json(self) -> Mapping[str, Any]:
        """`{"res": {...}}`."""
        ...


Result: TypeAlias = HasJson | Mapping[str, Any]
_OF_SUFFIX: Final = {
    ".htm": "hocr",
    ".html": "hocr",
    ".hocr": "hocr",
    ".markdown": "md",
    ".text": "txt",
    ".xml": "alto",
}


def write_document(
    results: Iterable[Result],
    *targets: str | Path,
    source: str | Path | None = None,
    name: str | None = None,
    pages: int = 0,
    language: str | None = None,
    password: str | None = None,
    limits: ReadLimits | None = None,
) -> list[Path]:
    """Write readable documents, page by page as `results` come; returns their paths.

        write_document(pipeline.predict("letter.pdf", return_word_box=True), "letter.md", "letter.hocr.html")

    Args:
        results: What `predict` yields, or the JSON of pages as it was stored, in the order of the pages.
        targets: Files, whose endings say what is made: `.txt`, `.md`, `.csv`, `.jsonl`, `.html` (hOCR),
            `.xml` (ALTO), `.pdf`.
        source: The document that was read, for those that show its pages.
        name: The title; the source's file name without it.
        pages: How many pages the document has; 0 where that is not known.
        language: What it is written in, an ISO 639-1 code.
        password: Of an encrypted source.
        limits: What the source may hold; None for the defaults.

    Raises:
        OptionError: An ending is unknown.
        WriteError: A document cannot be made of these pages.
        OSError: A file cannot be written.
    """
    paths = [Path(target) for target in targets]
    formats = [format_for(path) for path in paths]
    given = Path(source) if source is not None else None
    title = name or (given.name if given is not None else "document")
    info = DocumentInfo(title, pages, language, given, password, limits)
    with ExitStack() as stack:
        writers = []
        for kind, path in zip(formats, paths, strict=True):
            writers.append(kind.open(path, info))
            stack.callback(writers[-1].close)
        for at, result in enumerate(results, start=1):
            page = _page(result, at)
            for writer in writers:
                writer.page(page)
    return paths


def format_for(path: Path) -> Format:
    """The format that a file's ending asks for. Raises `OptionError`."""
    suffix = path.suffix.lower()
    name = _OF_SUFFIX.get(suffix, suffix.removeprefix("."))
    if name not in WRITERS:
        endings = ", ".join(sorted({f".{known}" for known in (*WRITERS, "html", "xml")} - {".hocr", ".alto"}))
        raise OptionError(f"nothing is known to write {path.name!r} as; endings are {endings}")
    return WRITERS[name]


def _page(result: Result, at: int) -> Page:
    content = result if isinstance(result, Mapping) else result.json["res"]
    content = content.get("res", content)
    return Page((content.get("page") or {}).get("number") or at, content)
