"""What can be told of a PDF before PDFium takes it apart: how many objects, and what its streams grow to.

PDFium unpacks a page's content whole, up to a gigabyte, and makes some hundred bytes of each mark in it: a
file of one kilobyte may take a process's memory. Pictures it unpacks line by line.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress

from pipelines.read.limits import ReadLimits

_STREAM = re.compile(rb"(?<!end)stream[ \t]*(?:\r\n|\r|\n)")
_SIZE = re.compile(rb"/Size\s+(\d{6,12})\b")
_PICTURE = re.compile(rb"/Subtype\s*/Image\b")
_DICTIONARY = 2048  # bytes in front of a stream, or around a size, in which its dictionary is looked for
_HARMLESS = 16 << 20  # bytes; what grows to no more does no harm, however small it was
_CHUNK = 1 << 16  # bytes that are stored, and that come out, at a time
_DEEPEST = 4  # filters, one on the other

Body = bytes | mmap.mmap


def check_streams(body: Body, limits: ReadLimits, name: str) -> None:
    """Check what a PDF claims and unpacks to.

    Every stream is tried, whatever it says of itself: a deflated one can be told by its content. Those that
    are encrypted, or packed in other ways (LZW, say), are left to whoever limits a page's time and memory.

    Raises:
        LimitExceeded: a stream is too large, or too much larger than it was stored; too many objects.
    """
    for found in _SIZE.finditer(body):
        around = body[max(0, found.start() - _DICTIONARY) : found.end() + _DICTIONARY]
        if b"/Root" in around:  # a trailer's, and no attachment's
            limits.check_objects(int(found[1]), name)
    for found in _STREAM.finditer(body):
        before = body[max(0, found.start() - _DICTIONARY) : found.start()]
        picture = _PICTURE.search(before[before.rfind(b" obj") + 1 :]) is not None
        for stored, size in _unpacked(body, found.end(), limits.max_stream_bytes):
            limits.check_stream(size, 0 if picture or size <= _HARMLESS else stored, name)


def _unpacked(body: Body, start: int, most: int) -> Iterator[tuple[int, int]]:
    """Unpack what is deflated at `start`, then what is deflated in that, and so on; nothing is kept.

    Yields for each how many bytes were stored and how many came out, no more than some beyond `most`.
    """
    for depth in range(1, _DEEPEST + 1):
        stored, size = _Chunks(body, start), 0
        unpacked: Iterator[bytes] = stored
        for _ in range(depth):
            unpacked = _inflated(unpacked)
        with suppress(zlib.error):  # it ends with what could be unpacked, in PDFium too
            for chunk in unpacked:
                size += len(chunk)
                if size > most:
                    break
        if not size:
            return
        yield stored.taken, size


class _Chunks:
    """A document from `start` on, in chunks."""

    def __init__(self, body: Body, start: int) -> None:
        self.taken = 0
        self._body = body
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        at = self._start + self.taken
        chunk = self._body[at : at + _CHUNK]
        if not chunk:
            raise StopIteration
        self.taken += len(chunk)
        return chunk


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate chunks, into chunks that are not larger. Raises `zlib.error`."""
    inflater = zlib.decompressobj()
    for chunk in chunks:
        left = chunk
        while True:
            made = inflater.decompress(left, _CHUNK)
            if made:
                yield made
            left = inflater.unconsumed_tail
            if inflater.eof:
                return
            if not left and len(made) < _CHUNK:
                break
