"""What reading hands out: facts about a document, and one page's pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.read.layer import TextLayer

BgrImage = NDArray[np.uint8]
"""(height, width, 3), blue first, C-contiguous."""

Origin = Literal["digital", "scan", "picture"]
"""A PDF page drawn from text and vectors, a PDF page that is one picture, or a picture."""


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
        origin: how the pixels came to be, see `Origin`; an array is a picture.
        warning: what may be wrong with the pixels although they could be decoded, in one sentence.
        text_layer: the text that a PDF page carries; None for all others, and where it was not asked for.
        until: by when it must have been read, on the clock of `time.monotonic`; None for any time it takes.
            Reading that takes longer is given up between two steps, with `TookTooLong`.
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
    origin: Origin = "picture"
    warning: str | None = None
    text_layer: TextLayer | None = None
    until: float | None = None
