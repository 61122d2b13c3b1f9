"""What a file is, by its first bytes. Names are never asked."""

from __future__ import annotations

import codecs

from pipelines.errors import DamagedInput, UnsupportedInput

HEAD_BYTES = 1024

PDF = "application/pdf"
HEIC = "image/heic"

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    *((b"P" + digit, "image/x-portable-anymap") for digit in (b"1", b"2", b"3", b"4", b"5", b"6")),
)

_BRANDS = {  # of the ISO base media file format, ISO/IEC 23008-12
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"), HEIC),
}

_KNOWN_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%!PS", "PostScript"),
    (b"{\\rtf", "rich text"),
    (b"<", "markup such as HTML, XML or SVG"),
)


def media_type(head: bytes, where: str) -> str:
    """The media type of a document that starts with `head` (up to `HEAD_BYTES` bytes of it).

    Raises:
        DamagedInput: there are no bytes at all.
        UnsupportedInput: neither a PDF nor a picture that can be read; the sentence says what it looks like.
    """
    if not head:
        raise DamagedInput(f"{where}: the file is empty")
    found = known_type(head)
    if found is not None:
        return found
    raise UnsupportedInput(
        f"{where}: neither a PDF nor a picture that can be read; it looks like {_looks_like(head)}"
    )


def known_type(head: bytes) -> str | None:
    """The media type, or None for what cannot be read."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _by_brand(head[: int.from_bytes(head[:4], "big")])
    # Readers accept a PDF header anywhere in the first 1024 bytes (ISO 32000-1, annex H.3.4.1).
    return PDF if b"%PDF-" in head[:HEAD_BYTES] else None


def _by_brand(box: bytes) -> str | None:
    """By the major brand, else by the compatible ones: `mif1` alone says only that it is a picture."""
    brands = (box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4)))
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)


def _looks_like(head: bytes) -> str:
    for start, what in _KNOWN_STRANGERS:
        if head.lstrip().startswith(start):
            return what
    try:
        codecs.getincrementaldecoder("utf-8")().decode(
            head
        )  # which forgives a character cut in two at the end
    except UnicodeDecodeError:
        return "something unknown"
    return "plain text" if b"\0" not in head else "something unknown"
