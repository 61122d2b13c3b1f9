"""One document, whatever its type: open it, look at its pages, take one at a time."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from pipelines.errors import LimitExceeded, OptionError, UnsupportedInput
from pipelines.read import sniff
from pipelines.read.base import Document, Source, mapped
from pipelines.read.limits import ReadLimits
from pipelines.read.pages import DocumentInfo
from pipelines.read.pdf import PdfDocument
from pipelines.read.pdf_streams import check_streams, unheard
from pipelines.read.picture import PictureDocument


def open_document(
    source: str | Path | bytes,
    *,
    password: str | None = None,
    dpi: float = 144,
    limits: ReadLimits | None = None,
    pages: str | Iterable[int] | None = None,
    name: str | None = None,
    text_layer: bool = False,
    thorough: bool = False,
    moved: Callable[[], None] = unheard,
) -> Document:
    """Open a picture or a PDF by its content; the name's ending is never asked.

    Args:
        source: a path, or the file's bytes.
        password: for an encrypted PDF.
        dpi: at which PDF pages are rendered.
        limits: what a document may hold; None for the defaults.
        pages: those to list in `info`, see `Document.select`.
        name: what errors call the document; None takes the file's name.
        text_layer: whether the pages of a PDF bring the text they carry.
        thorough: whether to look, too, at what the document would take as a whole, which a single page does
            not tell: the megapixels of all pages that are listed, and what the parts of a PDF unpack to.
            Whoever opens what was looked at before spares the time, a tenth of a second for 100 MB of scans.
        moved: called again and again while that goes on.

    Raises:
        UnsupportedInput, DamagedInput, PasswordRequired, LimitExceeded: the whole document cannot be read.
        OptionError: a page or dpi that cannot be.
    """
    limits = limits or ReadLimits()
    plain: Source = source if isinstance(source, bytes) else Path(source)
    called = name or ("the document" if isinstance(plain, bytes) else plain.name or str(plain))
    _check_dpi(dpi)
    kind = sniff.media_type(_head(plain, called, limits), called)
    if kind == sniff.PDF:
        if thorough:  # before PDFium sees it: to open a PDF, it unpacks some of its parts whole
            with mapped(plain) as body:
                check_streams(body, limits, called, moved)
        document: Document = PdfDocument(
            plain, called, limits, dpi=dpi, password=password, text_layer=text_layer
        )
    else:
        document = PictureDocument(plain, called, kind, limits)
    try:
        document.select(pages)
        if thorough:
            limits.check_megapixels(sum(page.megapixels for page in document.info.pages), called)
    except (OptionError, LimitExceeded):
        document.close()
        raise
    return document


def probe(
    source: str | Path | bytes,
    *,
    password: str | None = None,
    dpi: float = 144,
    limits: ReadLimits | None = None,
    name: str | None = None,
    moved: Callable[[], None] = unheard,
) -> DocumentInfo:
    """What is in a document; opens it thoroughly, decodes nothing. Raises what `open_document` raises.

    What is too large is refused for that, and a password or damage is not asked about: no password helps.
    """
    opened = open_document(
        source, password=password, dpi=dpi, limits=limits, name=name, thorough=True, moved=moved
    )
    with opened as document:
        return document.info


def _check_dpi(dpi: object) -> None:
    if isinstance(dpi, bool) or not isinstance(dpi, int | float) or not dpi > 0:
        raise OptionError(f"dpi must be above 0, not {dpi!r}")


def _head(source: Source, name: str, limits: ReadLimits) -> bytes:
    if isinstance(source, bytes):
        limits.check_bytes(len(source), name)
        return source[: sniff.HEAD_BYTES]
    try:
        facts = source.stat()
        head = _first_bytes(source) if stat.S_ISREG(facts.st_mode) else None
    except (OSError, ValueError) as error:  # a ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise UnsupportedInput(f"{name}: cannot be opened ({reason})") from error
    if head is None:  # a pipe would be waited for, a device might never end
        raise UnsupportedInput(f"{name}: cannot be opened (not a file)")
    limits.check_bytes(facts.st_size, name)
    return head


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.HEAD_BYTES)
