"""The metadata of an ONNX file, without an ONNX library.

A model is one protocol-buffer message (onnx.proto, `ModelProto`); its field 14 holds `metadata_props`,
entries of a key (field 1) and a value (field 2). Everything else, the graph included, is stepped over unread.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

_METADATA_PROPS = 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def read_metadata(path: Path) -> dict[str, str]:
    """The key-value pairs that the exporter left in the file; ValueError when it is not an ONNX file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        entries = [data[a:b] for number, a, b in _fields(data, len(data)) if number == _METADATA_PROPS]
    pairs = {}
    for entry in entries:
        parts = {number: entry[a:b].decode() for number, a, b in _fields(entry, len(entry))}
        pairs[parts.get(1, "")] = parts.get(2, "")
    return pairs


def _fields(data: bytes | mmap.mmap, end: int) -> Iterator[tuple[int, int, int]]:
    """Each field's number with the start and end of its payload."""
    at = 0
    while at < end:
        key, at = _varint(data, at, end)
        kind, start = key & 7, at
        if kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind == _BYTES:
            length, start = _varint(data, at, end)
            at = start + length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("not a protocol-buffer message")
        if at > end:
            raise ValueError("the file ends inside a field")
        yield key >> 3, start, at


def _varint(data: bytes | mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at + shift >= end:
            break
        byte = data[at + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004  -- the top bit says that another byte follows
            return value, at + shift + 1
    raise ValueError("the file ends inside a number")
