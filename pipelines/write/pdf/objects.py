"""A PDF file written from front to back: each object goes out at once, only its place is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = str | int | list[int]
Entries: TypeAlias = Mapping[str, Value]
"""A dictionary: values are PDF source, or the numbers of other objects."""
Add: TypeAlias = Callable[[Entries, bytes | None], int]
"""Puts a dictionary, with a stream's bytes or without, into a file; returns its number."""

# Four bytes above 127 say that the file is no text (ISO 32000-1, 7.5.2; ISO 19005-2, 6.1.2).
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_NO_PLACE = 0


class PdfFile:
    """A new PDF."""

    def __init__(self, target: Path) -> None:
        self._file = target.open("wb")
        self._places = [_NO_PLACE]
        self._digest = hashlib.sha256()
        self._at = 0
        self._write(_HEADER)

    def reserve(self) -> int:
        """The number of an object that is put into the file later."""
        self._places.append(_NO_PLACE)
        return len(self._places) - 1

    def add(self, entries: Entries, data: bytes | None = None) -> int:
        """Write a dictionary or stream; returns its number."""
        number = self.reserve()
        self.put(number, entries, data)
        return number

    def put(self, number: int, entries: Entries, data: bytes | None = None) -> None:
        """Write a reserved dictionary or stream."""
        self._places[number] = self._at
        body = "".join(f"/{name} {_source(value)}\n" for name, value in entries.items())
        if data is None:
            self._write(f"{number} 0 obj\n<<\n{body}>>\nendobj\n".encode("ascii"))
            return
        self._write(f"{number} 0 obj\n<<\n{body}/Length {len(data)}\n>>\nstream\n".encode("ascii"))
        self._write(data)
        self._write(b"\nendstream\nendobj\n")

    def finish(self, root: int, info: int) -> None:
        """Write the table of places and what leads to the first objects; the file's id is a digest of it."""
        start, size = self._at, len(self._places)
        name = self._digest.hexdigest()[:32]
        self._write(f"xref\n0 {size}\n0000000000 65535 f \n".encode("ascii"))
        for place in self._places[1:]:
            self._write(f"{place:010} 00000 n \n".encode("ascii"))
        trailer: Entries = {"Size": str(size), "Root": root, "Info": info, "ID": f"[<{name}> <{name}>]"}
        body = "".join(f"/{name} {_source(value)}\n" for name, value in trailer.items())
        self._write(f"trailer\n<<\n{body}>>\nstartxref\n{start}\n%%EOF\n".encode("ascii"))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._at += len(data)


def _source(value: Value) -> str:
    if isinstance(value, int):
        return f"{value} 0 R"
    if isinstance(value, list):
        return f"[{' '.join(f'{number} 0 R' for number in value)}]"
    return value


def text_string(text: str) -> str:
    """A text string, as PDF source."""
    return f"<feff{text.encode('utf-16-be', 'replace').hex()}>"
