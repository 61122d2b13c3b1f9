"""PDFs that would take more than they are worth: refused before PDFium takes them apart, in one sentence."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import pypdfium2
import pytest

from pipelines.errors import InputError, LimitExceeded
from pipelines.read import ReadLimits, iter_inputs, open_document, probe
from pipelines.read.pdf_streams import check_streams

MANY_SPACES = b" " * (32 << 20)


def pdf(
    content: bytes, filters: bytes, *, size: int = 5, kind: bytes = b"", keyword: bytes = b"stream\n"
) -> bytes:
    """A PDF of one page."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>",
        b"<< %s /Length %d /Filter [%s] >>\n%s%s\nendstream"
        % (kind, len(content), filters, keyword, content),
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


@pytest.mark.parametrize(
    "rest",
    [
        b"\r",
        b"\r\n",
        b" \t\n",
        b" %\n",
        b"\x0c\n",
        b"\0\n",
        b"%%EOF\r",
        b" a stream of words\r\n",
        b"(x" * 5000 + b"\n",
    ],
)
def test_a_stream_is_seen_wherever_pdfium_sees_one(rest: bytes) -> None:
    few = pdf(zlib.compress(b"0 0 1 1 re f "), b"/FlateDecode", keyword=b"stream" + rest)
    with (
        open_document(few, limits=ReadLimits(max_marks=0)) as document,
        pytest.raises(LimitExceeded, match="it paints 1 things"),
    ):
        document.page(1)
    body = pdf(zlib.compress(MANY_SPACES, 9), b"/FlateDecode", keyword=b"stream" + rest)
    with pytest.raises(LimitExceeded, match="max_expansion"):
        probe(body)


@pytest.mark.parametrize("many", [b"stream", b"stream ", b"stream\n", b"endstream"])
def test_a_body_full_of_the_keyword_takes_no_longer_than_its_size_does(many: bytes) -> None:
    body = b"%PDF-1.7\n" + many * ((2 << 20) // len(many))
    begun = time.process_time()
    check_streams(body, ReadLimits(), "a.pdf")
    assert time.process_time() - begun < 30


def test_streams_that_lie_in_each_other_are_refused_before_they_take_long() -> None:
    body = b"%PDF-1.7\n" + b"stream\r\nx\x9c" * 30_000
    with pytest.raises(LimitExceeded, match=r"a\.pdf: its parts unpack to \d+ times its size together"):
        check_streams(body, ReadLimits(max_stream_bytes=1 << 20), "a.pdf")


def test_so_are_streams_that_all_go_on_to_the_same_end_though_little_comes_out() -> None:
    """Each start lies in a stored block of the one before; behind them all come blocks of nothing."""
    start, nothing = b"stream\nx\x01", b"\0\0\0\xff\xff"
    block = b"\0" + len(start).to_bytes(2, "little") + (len(start) ^ 0xFFFF).to_bytes(2, "little")
    body = b"%PDF-1.7\n" + (start + block) * 1500 + start + nothing * 40_000
    with pytest.raises(LimitExceeded, match="times its size together"):
        check_streams(body, ReadLimits(max_stream_bytes=1 << 20), "a.pdf")


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


def test_what_unpacks_to_too_much_is_refused_before_pdfium_unpacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        pytest.fail("PDFium was asked")

    monkeypatch.setattr(pypdfium2, "PdfDocument", opened)
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(zlib.compress(MANY_SPACES, 9), b"/FlateDecode", kind=b"/Type /ObjStm /N 1 /First 4"))
    for source in (path, path.read_bytes()):
        with pytest.raises(LimitExceeded, match="max_expansion"):
            probe(source)
    with pytest.raises(LimitExceeded, match="max_expansion"):
        list(iter_inputs(path))


def test_what_is_too_large_is_refused_for_that_whatever_password_it_needs() -> None:
    body = pdf(zlib.compress(MANY_SPACES, 9), b"/FlateDecode").replace(
        b"/Root", b"/Encrypt << /Filter /Standard /V 1 /R 2 >> /Root"
    )
    with pytest.raises(LimitExceeded, match="max_expansion"):
        probe(body)
    with pytest.raises(InputError, match="encrypted"):
        probe(body, limits=ReadLimits(max_expansion=1e9))


def test_it_is_told_of_every_stream_that_is_looked_at() -> None:
    told: list[int] = []
    packed = zlib.compress(b" ")
    probe(
        pdf(packed, b"/FlateDecode").replace(b"trailer", b"stream\n" * 9 + b"trailer"),
        moved=lambda: told.append(1),
    )
    assert len(told) == 10


def test_the_limits_of_a_whole_document_hold_without_a_queue_too(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(b"", b""))
    with pytest.raises(LimitExceeded, match="more than max_megapixels"):
        list(iter_inputs(path, limits=ReadLimits(max_megapixels=0.01)))
    path.write_bytes(pdf(b"", b"", size=3_000_000))
    with pytest.raises(LimitExceeded, match="more than max_objects"):
        list(iter_inputs(path))


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
