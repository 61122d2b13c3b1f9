"""Which PDF pages are pictures: only those may be straightened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipelines.read import open_document

BuildPdf = Callable[[list[bytes]], bytes]

FULL = "q 200 0 0 300 0 0 cm /Im Do Q "  # the picture over the whole page of 200 x 300 points
LEFT, RIGHT = "q 100 0 0 300 0 0 cm /Im Do Q ", "q 100 0 0 300 100 0 cm /Im Do Q "
WORDS = "BT /F 20 Tf 20 150 Td (Hello world) Tj ET "
UNSEEN = "BT 3 Tr /F 20 Tf 20 150 Td (Hello world) Tj ET "


@pytest.fixture
def origin_of(build_pdf: BuildPdf) -> Callable[..., str]:
    """The origin of a page of 200 x 300 points with that content; `/Form` paints the picture over all."""

    def origin(content: str, rotation: int = 0) -> str:
        pixels = bytes(range(0, 240, 10))
        form = FULL.encode()
        body = build_pdf(
            [
                b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 300] /Rotate %d /Contents 4 0 R /Resources "
                b"<< /XObject << /Im 5 0 R /Form 6 0 R >> /Font << /F 7 0 R >> >> >>" % rotation,
                b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content.encode()),
                b"<< /Subtype /Image /Width 4 /Height 6 /ColorSpace /DeviceGray /BitsPerComponent 8 "
                b"/Length %d >>\nstream\n%s\nendstream" % (len(pixels), pixels),
                b"<< /Subtype /Form /BBox [0 0 200 300] /Matrix [1 0 0 1 0 0] /Resources "
                b"<< /XObject << /Im 5 0 R >> >> /Length %d >>\nstream\n%s\nendstream" % (len(form), form),
                b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            ]
        )
        with open_document(body) as document:
            return document.page(1).origin

    return origin


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FULL, "scan"),
        (LEFT + RIGHT, "scan"),
        (FULL + UNSEEN, "scan"),
        (WORDS + FULL, "scan"),
        ("/Form Do", "scan"),
        ("q 0.1 0 0 0.1 0 0 cm /Form Do Q 0 g 50 0 150 300 re f", "digital"),
        ("q 120 0 0 200 40 50 cm /Im Do Q", "scan"),
        ("1 g 0 0 200 300 re f " + FULL, "scan"),
        (FULL + WORDS, "digital"),
        (LEFT + WORDS + RIGHT, "digital"),
        (LEFT + "0 g 100 0 100 300 re f", "digital"),
        (WORDS, "digital"),
        (UNSEEN, "digital"),
        ("0 g 10 10 50 50 re f", "digital"),
        ("", "digital"),
        ("q 200 0 0 300 900 0 cm /Im Do Q", "digital"),
    ],
    ids=[
        "one picture",
        "strips",
        "unseen text above",
        "text under the picture",
        "within a form",
        "a small form beside vectors",
        "wide margins",
        "white paper below",
        "text above",
        "text under half of it",
        "half a picture",
        "text",
        "unseen text",
        "vectors",
        "nothing",
        "a picture off the page",
    ],
)
def test_a_scan_is_a_page_that_shows_nothing_but_pictures(
    origin_of: Callable[..., str], content: str, expected: str
) -> None:
    assert origin_of(content) == expected
    assert origin_of(content, rotation=90) == expected


def test_other_inputs_are_pictures(encode: Callable[..., bytes], pattern: Any) -> None:
    with open_document(encode(Image.fromarray(pattern), "PNG")) as document:
        assert document.page(1).origin == "picture"


def test_real_pdfs_are_told_apart(dev_data: Path) -> None:
    """The manifest's kinds: S a scan, L a scan with text laid over it, D drawn, B next to nothing."""
    facts = json.loads((dev_data / "MANIFEST.json").read_text())["files"]
    pdfs = [entry for entry in facts if entry["file"].startswith("pdfs/") and entry["facts"]["pages"] < 20]
    assert len(pdfs) > 20
    for entry in pdfs:
        with open_document(dev_data / entry["file"], dpi=20) as document:
            found = [document.page(page.number).origin for page in document.info.pages]
        kinds = entry["facts"]["page_kinds"]
        if isinstance(kinds, list):
            assert found == ["scan" if kind in "SL" else "digital" for kind in kinds], entry["file"]
