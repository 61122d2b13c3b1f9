"""PDFs of three pages of which the second takes a process's memory, each in a way that no limit foresees."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence

from pdfs import built_pdf, stream

_CLEAR, _END, _CODES = 256, 257, 4096  # of LZW
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_OWNER = bytes(range(32))
_RIGHTS = -4
_ID = b"0123456789abcdef"
_CONTENTS = 6  # the number of the second page's content, as an object


def nested_forms(depth: int = 7, times: int = 12) -> bytes:
    """A form that paints a form several times, and so on: a few kilobytes that are millions of marks."""
    forms = []
    for level in range(1, depth + 1):
        inner = b"/Resources << /XObject << /F %d 0 R >> >>" % (_CONTENTS + 1 + level)
        content = b"0 0 1 1 re f" if level == depth else b"/F Do " * times
        entries = b"/Type /XObject /Subtype /Form /BBox [0 0 200 200] " + (b"" if level == depth else inner)
        forms.append(stream(content, entries))
    return built_pdf(_objects(stream(b"/F Do"), b"/XObject << /F %d 0 R >>" % (_CONTENTS + 1)) + forms)


def lzw_coded(megabytes: int = 900) -> bytes:
    """Blanks that are a thousandth of themselves in LZW."""
    return built_pdf(_objects(stream(_lzw(b" ", megabytes << 20), b"/Filter /LZWDecode")))


def encrypted(megabytes: int = 900) -> bytes:
    """Blanks that are deflated twice, to a few kilobytes, and then encrypted; the password is empty."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(megabytes)) + packer.flush()
    packed = zlib.compress(packed, 9)
    rights = _RIGHTS.to_bytes(4, "little", signed=True)
    key = hashlib.md5(_PADDING + _OWNER + rights + _ID, usedforsecurity=False).digest()[:5]
    of_object = key + _CONTENTS.to_bytes(3, "little") + bytes(2)
    scrambled = _rc4(hashlib.md5(of_object, usedforsecurity=False).digest()[:10], packed)
    objects = _objects(stream(scrambled, b"/Filter [/FlateDecode /FlateDecode]"))
    objects.append(
        b"<< /Filter /Standard /V 1 /R 2 /P %d /O <%s> /U <%s> >>"
        % (_RIGHTS, _OWNER.hex().encode(), _rc4(key, _PADDING).hex().encode())
    )
    told = b"/Encrypt %d 0 R /ID [<%s> <%s>]" % (len(objects), _ID.hex().encode(), _ID.hex().encode())
    return built_pdf(objects, told)


def _objects(contents: bytes, resources: bytes = b"") -> list[bytes]:
    """Three pages; the second has the contents, the others none."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] %s >>"
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] /Count 3 >>",
        page % b"",
        page % (b"/Contents %d 0 R /Resources << %s >>" % (_CONTENTS, resources)),
        page % b"",
        contents,
    ]


def _lzw(byte: bytes, count: int) -> bytes:
    """Code one byte repeated: each code stands for one byte more than the one before it."""
    bits, held, out = 0, 0, bytearray()
    for code, width in _lzw_codes(byte[0], count):
        bits, held = bits << width | code, held + width
        while held >= 8:
            held -= 8
            out.append(bits >> held & 0xFF)
        bits &= (1 << held) - 1
    return bytes(out) + bytes([bits << (8 - held) & 0xFF])


def _lzw_codes(byte: int, count: int) -> Iterator[tuple[int, int]]:
    """Codes and their widths, which grow one code early, as is usual in a PDF."""
    width = 9
    yield _CLEAR, width
    length = 0  # that the last code stood for
    while count > 0:
        length += 1
        yield (byte if length == 1 else _CLEAR + length), width
        count -= length
        following = _END + length  # the code that the decoder makes up next
        width = max(9, (following + 1).bit_length())
        if following + 2 >= _CODES:
            yield _CLEAR, width
            width, length = 9, 0
    yield _END, width


def _rc4(key: Sequence[int], data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 0xFF
        state[i], state[j] = state[j], state[i]
    out = bytearray(len(data))
    i = j = 0
    for place, byte in enumerate(data):
        i = (i + 1) & 0xFF
        j = (j + state[i]) & 0xFF
        state[i], state[j] = state[j], state[i]
        out[place] = byte ^ state[(state[i] + state[j]) & 0xFF]
    return bytes(out)
