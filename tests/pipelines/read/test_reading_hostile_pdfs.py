"""PDFs that would take more than they are worth: refused before PDFium takes them apart, in one sentence."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from pipelines.errors import LimitExceeded
from pipelines.read import ReadLimits, open_document, probe

MANY_SPACES = b" " * (32 << 20)


def pdf(content: bytes, filters: bytes, *, size: int = 5, kind: bytes = b"") -> bytes:
    """A PDF of one page."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>",
        b"<< %s /Length %d /Filter [%s] >>\nstream\n%s\nendstream" % (kind, len(content), filters, content),
    ]
    body, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 5\n0000000000 65535 f \n" + entries
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + table + trailer


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_page_that_unpacks_to_a_thousand_times_its_size_is_refused(layers: int) -> None:
    content = MANY_SPACES
    for _ in range(layers):
        content = zlib.compress(content, 9)
    body = pdf(content, b"/FlateDecode " * layers)
    with pytest.raises(
        LimitExceeded, match=r"a\.pdf: a part of it unpacks to .* max_expansion allows \(200\)"
    ) as told:
        probe(body, name="a.pdf")
    assert told.value.limit == "max_expansion"
    assert len(probe(body, limits=ReadLimits(max_expansion=1e9)).pages) == 1


def test_what_is_small_may_unpack_to_whatever_it_likes() -> None:
    assert len(probe(pdf(zlib.compress(bytes(8 << 20)), b"/FlateDecode")).pages) == 1


def test_a_picture_may_be_blank_but_no_larger_than_the_limit() -> None:
    body = pdf(zlib.compress(MANY_SPACES), b"/FlateDecode", kind=b"/Type /XObject /Subtype /Image")
    assert len(probe(body).pages) == 1
    with pytest.raises(LimitExceeded, match=r"more than max_stream_bytes allows \(1000000\)"):
        probe(body, limits=ReadLimits(max_stream_bytes=1_000_000))


def test_a_pdf_that_says_it_has_too_many_objects_is_refused() -> None:
    with pytest.raises(LimitExceeded, match=r"3000000 objects are more than max_objects allows \(2000000\)"):
        probe(pdf(b"", b"", size=3_000_000))


def test_a_page_that_paints_too_much_fails_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(zlib.compress(b"0 0 1 1 re f " * 50), b"/FlateDecode"))
    with (
        open_document(path, limits=ReadLimits(max_marks=49)) as document,
        pytest.raises(LimitExceeded, match=r"a\.pdf: it paints 50 things, more than max_marks allows \(49\)"),
    ):
        document.page(1)
    with open_document(path, limits=ReadLimits(max_marks=50)) as document:
        assert document.page(1).number == 1


def test_a_document_whose_pages_are_too_large_together_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(b"", b""))
    with pytest.raises(
        LimitExceeded, match=r"0 megapixels together, more than max_megapixels allows \(0\.01\)"
    ):
        probe(path, limits=ReadLimits(max_megapixels=0.01))
    assert probe(path).pages[0].megapixels == pytest.approx(0.08)
