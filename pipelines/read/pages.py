"""What reading hands out: facts about a document, and one page's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BgrImage = NDArray[np.uint8]
"""(height, width, 3), blue first, C-contiguous."""


@dataclass(frozen=True)
class PageInfo:
    """One page before it is decoded.

    Attributes:
        number: counts from 1.
        width, height: in pixels as it will be handed out; 0 when there is a problem.
        megapixels: what the page costs.
        dpi: of the rendering for a PDF page, else what the picture's metadata says, if anything.
        problem: why the page cannot be read, in one sentence; None for a page that looks sound.
    """

    number: int
    width: int
    height: int
    megapixels: float
    dpi: float | None
    problem: str | None = None


@dataclass(frozen=True)
class DocumentInfo:
    """A document before anything is decoded: its type by content, and its pages."""

    media_type: str
    pages: tuple[PageInfo, ...]


@dataclass(frozen=True, eq=False)
class PageImage:
    """One page, decoded.

    Attributes:
        image: BGR pixels, upright by the file's own metadata (EXIF orientation, `/Rotate`).
        input_path: where it came from; None for arrays and bytes. A URL stands without its query.
        page_index: from 0 in a PDF or multi-frame picture; None for a single picture, as PaddleX has it.
        number: from 1.
        width, height: of `image`, in pixels.
        dpi: of the rendering for a PDF page, else what the picture's metadata says, if anything.
        rotation: degrees clockwise by which the stored page was turned to stand upright: 0, 90, 180 or 270.
        media_type: of the whole document, such as `application/pdf`; None for an array.
    """

    image: BgrImage
    input_path: str | None
    page_index: int | None
    number: int
    width: int
    height: int
    dpi: float | None
    rotation: int
    media_type: str | None
