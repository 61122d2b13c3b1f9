"""How much a document may hold. The names are public: an error's sentence tells which limit it met."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipelines.errors import LimitExceeded

_DEFLATE = 1032  # times its size is the most that deflate makes of anything


@dataclass(frozen=True)
class ReadLimits:
    """Checked before any pixel is decoded.

    Attributes:
        max_bytes: of a file, or of what a URL sends.
        max_pages: of a PDF or a multi-frame TIFF.
        max_page_megapixels: of one decoded or rendered page; 64 are 192 MB in memory. A0 at 200 dpi is 62.
        max_side: of one page, pixels. Results hold coordinates as int16, and so does OpenCV's warping.
        min_dpi: a PDF page too large for the two limits above is rendered at less than the dpi asked for,
            but at no less than this; one that would need less is refused.
        max_megapixels: of all pages of a document that are to be read, as they would be decoded or rendered;
            in the queue, of all. 20,000 pages of A4 at 144 dpi have 40,000.
        max_objects: that a PDF may say it consists of.
        max_marks: that one page of a PDF may paint: texts, lines, pictures.
        max_stream_bytes: that one part of a PDF, a picture or a page's content, may unpack to. This and the
            next see what is deflated; what is encrypted or in LZW only a limit on the process's memory ends.
        max_expansion: how many times as large as it was stored such a part may become, unless it is a picture
            or stays within 16 MiB. Deflate has at most 1032, and that holds for all parts together, too;
            texts and drawings have 3 to 20.
    """

    max_bytes: int = 2 << 30
    max_pages: int = 20_000
    max_page_megapixels: float = 64.0
    max_side: int = 32_000
    min_dpi: float = 36.0
    max_megapixels: float = 100_000.0
    max_objects: int = 2_000_000
    max_marks: int = 1_000_000
    max_stream_bytes: int = 1 << 30
    max_expansion: float = 200.0

    def check_bytes(self, size: int, where: str) -> None:
        """LimitExceeded when a file of `size` bytes is too large."""
        if size > self.max_bytes:
            raise LimitExceeded(
                f"{where}: {size} bytes are more than max_bytes allows ({self.max_bytes})", limit="max_bytes"
            )

    def check_pages(self, count: int, where: str) -> None:
        """LimitExceeded when a document claims too many pages."""
        if count > self.max_pages:
            raise LimitExceeded(
                f"{where}: {count} pages are more than max_pages allows ({self.max_pages})", limit="max_pages"
            )

    def check_megapixels(self, megapixels: float, where: str) -> None:
        """LimitExceeded when all pages of a document together are too large."""
        if megapixels > self.max_megapixels:
            raise LimitExceeded(
                f"{where}: its pages have {megapixels:.0f} megapixels together, more than max_megapixels "
                f"allows ({self.max_megapixels:g})",
                limit="max_megapixels",
            )

    def check_objects(self, count: int, where: str) -> None:
        """LimitExceeded when a PDF says that it has too many objects."""
        if count > self.max_objects:
            raise LimitExceeded(
                f"{where}: {count} objects are more than max_objects allows ({self.max_objects})",
                limit="max_objects",
            )

    def check_marks(self, count: int, where: str) -> None:
        """LimitExceeded when a page of a PDF paints too many things."""
        if count > self.max_marks:
            raise LimitExceeded(
                f"{where}: it paints {count} things, more than max_marks allows ({self.max_marks})",
                limit="max_marks",
            )

    def check_stream(self, size: int, stored: int, where: str) -> None:
        """LimitExceeded when a part of a PDF unpacks to too much; with `stored` 0 only its size counts."""
        if size > self.max_stream_bytes:
            raise LimitExceeded(
                f"{where}: a part of it unpacks to more than max_stream_bytes allows "
                f"({self.max_stream_bytes})",
                limit="max_stream_bytes",
            )
        if stored and size > stored * self.max_expansion:
            raise LimitExceeded(
                f"{where}: a part of it unpacks to {size / stored:.0f} times its size, more than "
                f"max_expansion allows ({self.max_expansion:g})",
                limit="max_expansion",
            )

    def check_together(self, size: int, stored: int, where: str) -> None:
        """LimitExceeded when a PDF of `stored` bytes unpacks to more than deflate can make of it.

        Its parts lie in each other, then, or in layers; those of an ordinary PDF do not.
        """
        if size > self.max_stream_bytes + _DEFLATE * stored:
            raise LimitExceeded(
                f"{where}: its parts unpack to {size / stored:.0f} times its size together, more than "
                "deflate makes of anything",
                limit="max_expansion",
            )

    def check_size(self, width: int, height: int, where: str) -> None:
        """LimitExceeded when a picture of that size, in pixels, is too large."""
        if max(width, height) > self.max_side:
            raise LimitExceeded(
                f"{where}: {width}x{height} pixels are more than max_side allows ({self.max_side} a side)",
                limit="max_side",
            )
        megapixels = width * height / 1e6
        if megapixels > self.max_page_megapixels:
            raise LimitExceeded(
                f"{where}: {width}x{height} pixels are {megapixels:.0f} megapixels, more than "
                f"max_page_megapixels allows ({self.max_page_megapixels:g})",
                limit="max_page_megapixels",
            )

    def fitting_dpi(self, width: float, height: float, dpi: float, where: str) -> float:
        """The dpi, at most the one asked for, at which a page of that size in points keeps the limits.

        Raises:
            LimitExceeded: it would be less than `min_dpi`; the sentence names the limit that asks for it.
        """
        by_side = self.max_side * 72 / max(width, height)
        by_area = 72 * math.sqrt(self.max_page_megapixels * 1e6 / (width * height))
        fitting = min(dpi, by_side, by_area)
        if fitting < min(dpi, self.min_dpi):
            limit = "max_side" if by_side < by_area else "max_page_megapixels"
            raise LimitExceeded(
                f"{where}: {width:g}x{height:g} points are too large for {limit} ({getattr(self, limit):g}) "
                f"even at {self.min_dpi:g} dpi",
                limit=limit,
            )
        return fitting
