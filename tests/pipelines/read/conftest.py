"""Documents made on the spot: PDFs object by object, pictures of a known pattern."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pdfs import built_pdf
from PIL import Image


@pytest.fixture(scope="session")
def build_pdf() -> Callable[..., bytes]:
    """A PDF out of numbered objects."""
    return built_pdf


@pytest.fixture
def make_pdf() -> Callable[..., bytes]:
    """A page per (width, height, rotation), black in its upper left quarter; `claim` is a false count."""

    def make(*pages: tuple[float, float, int], claim: int | None = None) -> bytes:
        kids = b" ".join(b"%d 0 R" % (3 + 2 * i) for i in range(len(pages)))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages) if claim is None else claim),
        ]
        for width, height, rotation in pages:
            drawing = b"0 g 0 %f %f %f re f" % (height / 2, width / 2, height / 2)
            objects.append(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %f %f] /Rotate %d /Contents %d 0 R >>"
                % (width, height, rotation, len(objects) + 2)
            )
            objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
        return built_pdf(objects)

    return make


@pytest.fixture
def form_pdf() -> bytes:
    """A PDF whose one mark is the appearance of a filled-in form field."""
    mark = b"0 g 0 0 50 50 re f"
    return built_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Annots [4 0 R] >>",
            b"<< /Subtype /Widget /FT /Tx /T (a) /F 4 /Rect [25 25 75 75] /P 3 0 R /AP << /N 5 0 R >> >>",
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 50 50] /Length %d >>\nstream\n%s\nendstream"
            % (len(mark), mark),
        ]
    )


@pytest.fixture(scope="session")
def pattern() -> np.ndarray[Any, Any]:
    """RGB, 40 high and 60 wide: red above left, green above right, blue below left, white below right."""
    picture = np.full((40, 60, 3), 255, np.uint8)
    picture[:20, :30] = (250, 0, 0)
    picture[:20, 30:] = (0, 250, 0)
    picture[20:, :30] = (0, 0, 250)
    return picture


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """A Pillow picture as a file."""

    def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        return file.getvalue()

    return encode
