"""A font that has room for every character of Unicode and paints none of them.

The idea is Tesseract's (`src/api/pdfrenderer.cpp`), taken up by OCRmyPDF: text that nobody is to see needs no
shapes, only places, so a tiny font serves every script. Here a code is the character's place in its plane
of Unicode, and there is a Type 0 font for each plane in use; they share their program. Unlike Tesseract's,
glyphs have the usual widths of their characters, so that a part of a word can be selected where it stands,
and a box: PDFium passes over text without an extent.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Final

from pipelines.characters import usual_width
from pipelines.write.pdf.objects import Add, Entries

ASCENT: Final = 0.8
"""Share of the font's size above the baseline; the rest is below."""

_EM = 1000
_TOP, _BOTTOM = 800, -200
_NARROW, _WIDE = 520, 1000
_LETTERS = (range(0x20, 0x7F), range(0xC0, 0x100))  # whose widths are told one by one
# East Asian Width (UAX #11), in ranges so large that a file has room for them.
_EAST_ASIAN = (
    range(0x2E80, 0xA4D0),
    range(0xAC00, 0xD7A4),
    range(0xF900, 0xFB00),
    range(0xFE30, 0xFE70),
    range(0xFF01, 0xFF61),
    range(0xFFE0, 0xFFE7),
)
_LAST = 0xFFFF  # of the first plane
_BLOCK = 0x100
_PER_SECTION = 100  # entries of a CMap's section, as many as it may have (Adobe Technical Note 5411)
_SURROGATES = range(0xD800, 0xE000)
_NAME = "PagelineGlyphless"


class _Widths(dict[str, float]):
    def __missing__(self, character: str) -> float:
        self[character] = width = _width(ord(character)) / _EM
        return width


WIDTHS: Final[Mapping[str, float]] = _Widths()
"""The width of every character in ems, worked out when it is first asked for."""


def _width(code: int) -> int:
    if code > _LAST or any(code in wide for wide in _EAST_ASIAN):
        return _WIDE
    return round(usual_width(chr(code)) * _EM) if any(code in letters for letters in _LETTERS) else _NARROW


class Blocks:
    """Notes which characters a document has, a block of 256 at a time."""

    def __init__(self) -> None:
        self._used: set[int] = set()

    def note(self, text: str) -> None:
        """Take note of the characters of `text`."""
        self._used.update({ord(character) // _BLOCK for character in set(text)})

    @property
    def planes(self) -> list[int]:
        """The planes of Unicode that have fonts: those in use, the first one always."""
        return sorted({0, *(block * _BLOCK >> 16 for block in self._used)})

    def of_plane(self, plane: int) -> list[int]:
        """The blocks in use of a plane, counted from its first."""
        first = plane << 8
        return sorted(block - first for block in self._used if first <= block < first + 0x100)


def resource_name(plane: int, prefix: str) -> str:
    """How pages call the font of a plane, without a slash."""
    return f"{prefix}{plane}"


def add_fonts(blocks: Blocks, add: Add) -> dict[int, int]:
    """Put the fonts for what `blocks` notes into a file; returns their numbers by plane."""
    program = add({"Filter": "/FlateDecode", "Length1": str(len(_program()))}, _packed(_program()))
    descriptor = add(_descriptor(program), None)
    fonts = {}
    for plane in blocks.planes:
        descendant = add(_descendant(plane, descriptor, add), None)
        unicode = add({"Filter": "/FlateDecode"}, _packed(_to_unicode(plane, blocks.of_plane(plane))))
        fonts[plane] = add(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": f"/{_NAME}",
                "Encoding": "/Identity-H",
                "DescendantFonts": [descendant],
                "ToUnicode": unicode,
            },
            None,
        )
    return fonts


def _packed(data: bytes) -> bytes:
    return zlib.compress(data, 9)


def _descriptor(program: int) -> Entries:
    symbolic = 4
    return {
        "Type": "/FontDescriptor",
        "FontName": f"/{_NAME}",
        "Flags": str(symbolic),
        "FontBBox": f"[0 {_BOTTOM} {_WIDE} {_TOP}]",
        "ItalicAngle": "0",
        "Ascent": str(_TOP),
        "Descent": str(_BOTTOM),
        "CapHeight": str(_TOP),
        "StemV": "80",
        "FontFile2": program,
    }


def _descendant(plane: int, descriptor: int, add: Add) -> Entries:
    default = _WIDE if plane else _NARROW
    return {
        "Type": "/Font",
        "Subtype": "/CIDFontType2",
        "BaseFont": f"/{_NAME}",
        "CIDSystemInfo": "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>",
        "FontDescriptor": descriptor,
        "DW": str(default),
        "W": "[]" if plane else _widths(),
        "CIDToGIDMap": add({"Filter": "/FlateDecode"}, _glyph_numbers(wide=plane > 0)),
    }


@cache
def _widths() -> str:
    """What is not the default in the first plane, as `W` has it."""
    letters = [f"{each.start} [{' '.join(str(_width(code)) for code in each)}]" for each in _LETTERS]
    wide = [f"{each.start} {each.stop - 1} {_WIDE}" for each in _EAST_ASIAN]
    return f"[{' '.join(letters + wide)}]"


@cache
def _glyph_numbers(*, wide: bool) -> bytes:
    """Which glyph each code of a plane has, packed."""
    number = {width: struct.pack(">H", at) for at, width in enumerate(_glyphs(), start=1)}
    if wide:
        return _packed(number[_WIDE] * 0x10000)
    return _packed(b"".join(number[_width(code)] for code in range(0x10000)))


def _to_unicode(plane: int, blocks: list[int]) -> bytes:
    """The CMap from codes to characters: within a block both count up together."""
    named = [block for block in blocks if plane or block << 8 not in _SURROGATES]
    firsts = {block: chr((plane << 16) + (block << 8)).encode("utf-16-be").hex() for block in named}
    ranges = [f"<{block:02x}00> <{block:02x}ff> <{first}>" for block, first in firsts.items()]
    sections = [ranges[at : at + _PER_SECTION] for at in range(0, len(ranges), _PER_SECTION)]
    body = "".join(f"{len(each)} beginbfrange\n{chr(10).join(each)}\nendbfrange\n" for each in sections)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{body}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


@cache
def _glyphs() -> tuple[int, ...]:
    """The widths there are, each of one glyph; glyph 0 stands for what a font lacks and is never used."""
    return tuple(sorted({_NARROW, _WIDE, *(_width(code) for letters in _LETTERS for code in letters)}))


@cache
def _program() -> bytes:
    """A TrueType program with the tables that PDF asks for (ISO 32000-1, 9.9); its glyphs have no area."""
    widths = (0, *_glyphs())
    outlines = [b"", *(_outline(width) for width in _glyphs())]
    offsets = [sum(map(len, outlines[:at])) // 2 for at in range(len(outlines) + 1)]
    count = len(widths)
    tables = {
        b"glyf": b"".join(outlines),
        b"head": struct.pack(
            ">4I2H2q4h2H3h",
            0x10000,
            0x10000,
            0,
            0x5F0F3CF5,
            3,
            _EM,
            0,
            0,
            0,
            _BOTTOM,
            _WIDE,
            _TOP,
            0,
            8,
            2,
            0,
            0,
        ),
        b"hhea": struct.pack(
            ">I3hH11hH", 0x10000, _TOP, _BOTTOM, 0, _WIDE, 0, 0, _WIDE, 1, *([0] * 7), count
        ),
        b"hmtx": b"".join(struct.pack(">Hh", width, 0) for width in widths),
        b"loca": struct.pack(f">{len(offsets)}H", *offsets),
        b"maxp": struct.pack(">I14H", 0x10000, count, 2, 1, 0, 0, 2, *([0] * 8)),
    }
    return _container(tables)


def _outline(width: int) -> bytes:
    """One contour from corner to corner and back: a box to measure, and nothing to fill."""
    on_curve = 1
    outline = struct.pack(
        ">5h2H2B4h", 1, 0, _BOTTOM, width, _TOP, 1, 0, on_curve, on_curve, 0, width, _BOTTOM, _EM
    )
    return outline + bytes(len(outline) % 2)


def _container(tables: Mapping[bytes, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    header = struct.pack(">I4H", 0x10000, len(tables), 16 << power, power, 16 * len(tables) - (16 << power))
    directory, body = b"", b""
    start = len(header) + 16 * len(tables)
    for tag, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) % 2**32
        directory += struct.pack(">4s3I", tag, total, start + len(body), len(data))
        body += padded
    return header + directory + body
