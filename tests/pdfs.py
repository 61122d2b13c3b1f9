"""PDFs made on the spot, object by object."""

from __future__ import annotations

from collections.abc import Sequence

# Lines of a letter, as far from each other as lines of type are.
LETTER = (
    "The committee met on the ninth of March in the old library,",
    "where the windows look out over the harbour and its cranes.",
    "It was agreed to repair the roof before the winter storms,",
    "and to ask three builders for an estimate of the expenses.",
    "Members who wish to see the accounts may do so on Monday.",
    "The treasurer reported a balance of 4,918 pounds in all.",
    "Nobody objected to the purchase of another reading lamp.",
    "The next meeting takes place on the thirteenth of June.",
)


def built_pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, the first being the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        trailer,
        start,
    )
    return bytes(out)


def stream(body: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(body), body)


def text_pdf(
    content: str,
    *,
    size: tuple[int, int] = (420, 300),
    page: str = "",
    codes: Sequence[tuple[str, str]] = (),
    picture: tuple[int, int, bytes] | None = None,
) -> bytes:
    """A page of `size` points whose content may use three fonts and a picture.

    /F is Helvetica; /G is too, but says that its letters are `codes` (pairs of what is painted and what it is
    said to be); /B is Courier-Bold. /Im is the picture.

    Args:
        content: the page's operators, Latin-1.
        size: width and height, points.
        page: further entries of the page, such as `/Rotate 90`.
        codes: see above.
        picture: width, height and grey levels.
    """
    said = "".join(f"<{ord(a):02x}> <{b.encode('utf-16-be').hex()}>\n" for a, b in codes)
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(codes)} beginbfchar\n{said}endbfchar\n"
        "endcmap end end"
    )
    width, height, grey = picture or (1, 1, b"\xff")
    kinds = b"/Subtype /Image /ColorSpace /DeviceGray /BitsPerComponent 8 /Width %d /Height %d"
    return built_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] %s /Contents 4 0 R /Resources << /Font "
            b"<< /F 5 0 R /G 6 0 R /B 8 0 R >> /XObject << /Im 9 0 R >> >> >>" % (*size, page.encode()),
            stream(content.encode("latin-1")),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 7 0 R >>",
            stream(cmap.encode()),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold >>",
            stream(grey, kinds % (width, height)),
        ]
    )


def letter(lines: Sequence[str] = LETTER, *, font: str = "F", at: tuple[int, int] = (30, 260)) -> str:
    """Operators that set lines 14 points high below each other, the first one's base at `at`."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    return f"BT /{font} 14 Tf 28 TL {at[0]} {at[1]} Td {shown} ET\n"
