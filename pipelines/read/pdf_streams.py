"""What can be told of a PDF before PDFium takes it apart: how many objects, and what its streams grow to.

PDFium unpacks a page's content whole, up to a gigabyte, and makes some hundred bytes of each mark in it: a
file of one kilobyte may take a process's memory. Pictures it unpacks line by line.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from pipelines.read.limits import ReadLimits

_KEYWORD = re.compile(rb"stream")
_END_OF_LINE = re.compile(rb"\r\n?|\n")
_SIZE = re.compile(rb"/Size\s+(\d{6,12})\b")
_PICTURE = re.compile(rb"/Subtype\s*/Image\b")
_DICTIONARY = 2048  # bytes in front of a stream, or around a size, in which its dictionary is looked for
_HARMLESS = 16 << 20  # bytes; what grows to no more does no harm, however small it was
_FIRST_CHUNK = 1 << 9  # bytes that are stored, of which most that is not deflated is known
_CHUNK = 1 << 16  # bytes that are stored, and that come out, at a time
_DEEPEST = 4  # filters, one on the other

Body = bytes | mmap.mmap


def unheard() -> None:
    """Take no notice."""


def check_streams(body: Body, limits: ReadLimits, name: str, moved: Callable[[], None] = unheard) -> None:
    """Check what a PDF claims and unpacks to; `moved` is called after each stream.

    Every stream is tried, whatever it says of itself: a deflated one can be told by its content. Those that
    are encrypted, or packed in other ways (LZW, say), are left to whoever limits a page's time and memory.

    Raises:
        LimitExceeded: a stream is too large, or too much larger than it was stored, or all of them together
            are (which takes streams that lie in each other, or layers of deflate); too many objects.
    """
    for found in _SIZE.finditer(body):
        around = body[max(0, found.start() - _DICTIONARY) : found.end() + _DICTIONARY]
        if b"/Root" in around:  # a trailer's, and no attachment's
            limits.check_objects(int(found[1]), name)
    together = 0
    for keyword, start in _streams(body):
        before = body[max(0, keyword - _DICTIONARY) : keyword]
        picture = _PICTURE.search(before[before.rfind(b" obj") + 1 :]) is not None
        for stored, size in _unpacked(body, start, limits.max_stream_bytes):
            limits.check_stream(size, 0 if picture or size <= _HARMLESS else stored, name)
            together += stored + size
        limits.check_together(together, len(body), name)
        moved()


def _streams(body: Body) -> Iterator[tuple[int, int]]:
    """Yield where PDFium would see a stream begin: its keyword, and what follows the line of that.

    A line with the keyword in it more than once is one stream: that is what keeps the time linear.
    """
    word = _KEYWORD.search(body)
    while word is not None:
        after = word.end()
        if body[max(0, word.start() - 3) : word.start()] != b"end":
            line = _END_OF_LINE.search(body, after)
            if line is None:
                return
            yield body.rfind(b"stream", word.start(), line.start()), line.end()
            after = line.end()
        word = _KEYWORD.search(body, after)


def _unpacked(body: Body, start: int, most: int) -> Iterator[tuple[int, int]]:
    """Unpack what is deflated at `start`, then what is deflated in that, and so on; nothing is kept.

    Yields for each how many bytes were looked at and how many came out, no more than some beyond `most`. The
    last has none.
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
        yield stored.taken, size
        if not size:
            return


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
        chunk = self._body[at : at + min(_CHUNK, max(_FIRST_CHUNK, self.taken))]
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
