"""PDF pages: sizes, dpi, rotation, damage, limits, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import DamagedInput, InputError, LimitExceeded, OptionError
from pipelines.read import ReadLimits, open_document, probe

MakePdf = Callable[..., bytes]


def quarters(image: np.ndarray[Any, Any]) -> list[bool]:
    """Which quarters are dark: above left, above right, below left, below right."""
    height, width = image.shape[:2]
    return [
        bool(image[height * r // 4, width * c // 4].max() < 128) for r, c in ((1, 1), (1, 3), (3, 1), (3, 3))
    ]


def test_a_page_is_rendered_at_144_dpi_on_white(tmp_path: Path, make_pdf: MakePdf) -> None:
    path = tmp_path / "letter.bin"
    path.write_bytes(b"junk before the header\n" + make_pdf((595.3, 842, 0)))
    info = probe(path)
    assert info.media_type == "application/pdf"
    (page,) = info.pages
    assert (page.width, page.height, page.dpi, page.problem) == (1191, 1684, 144, None)
    with open_document(path) as document:
        decoded = document.page(1)
    assert decoded.image.shape == (1684, 1191, 3)
    assert (decoded.page_index, decoded.dpi, decoded.rotation) == (0, 144, 0)
    assert quarters(decoded.image) == [True, False, False, False]
    assert decoded.image[-1, -1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("rotation", "dark"),
    [
        (90, [False, True, False, False]),
        (180, [False, False, False, True]),
        (270, [False, False, True, False]),
    ],
)
def test_rotate_is_applied_and_told(make_pdf: MakePdf, rotation: int, dark: list[bool]) -> None:
    with open_document(make_pdf((200, 100, rotation))) as document:
        page = document.page(1)
    assert page.rotation == rotation
    assert (page.width, page.height) == ((200, 400) if rotation != 180 else (400, 200))
    assert quarters(page.image) == dark


def test_dpi_is_settable_and_must_be_a_dpi(make_pdf: MakePdf) -> None:
    with open_document(make_pdf((100, 50, 0)), dpi=72) as document:
        assert document.page(1).image.shape == (50, 100, 3)
    for wrong in (0, -1, float("nan"), True, "144", None):
        with pytest.raises(OptionError, match="dpi must be above 0"):
            open_document(make_pdf((100, 50, 0)), dpi=wrong)  # type: ignore[arg-type]  # that is the point


def test_form_fields_are_drawn(form_pdf: bytes) -> None:
    with open_document(form_pdf) as document:
        image = document.page(1).image
    assert image[100, 100].max() < 50
    assert image[10, 10].min() > 250


class TestLimits:
    """A page somewhat too large is made to fit; an absurd one is its own failure."""

    def test_a_large_page_is_rendered_at_less_dpi_and_says_so(self, make_pdf: MakePdf) -> None:
        limits = ReadLimits(max_page_megapixels=1)
        with open_document(make_pdf((1000, 1000, 0)), limits=limits) as document:
            (info,) = document.info.pages
            page = document.page(1)
        assert page.image.shape == (1000, 1000, 3)
        assert (info.width, info.dpi, page.dpi) == (1000, 72, 72)
        assert info.megapixels <= 1

    @pytest.mark.parametrize(
        ("size", "limit"),
        [((595, 2**31), "max_side"), ((100_000, 100_000), "max_page_megapixels"), ((90_000, 10), "max_side")],
    )
    def test_an_absurd_page_is_that_pages_problem(
        self, make_pdf: MakePdf, size: tuple[int, int], limit: str
    ) -> None:
        body = make_pdf((100, 100, 0), (*size, 0), (100, 100, 0))
        with open_document(body, name="plan.pdf") as document:
            problems = [page.problem for page in document.info.pages]
            assert problems[0] is problems[2] is None
            assert problems[1] is not None
            assert problems[1].startswith("plan.pdf, page 2: ")
            assert limit in problems[1]
            with pytest.raises(LimitExceeded) as caught:
                document.page(2)
            assert caught.value.limit == limit
            assert document.page(3).width == 200

    def test_asking_for_less_than_the_least_dpi_is_no_fault(self, make_pdf: MakePdf) -> None:
        with open_document(make_pdf((100, 100, 0)), dpi=10) as document:
            assert document.page(1).dpi == 10

    def test_too_many_pages_are_refused_at_once(self, make_pdf: MakePdf) -> None:
        with pytest.raises(LimitExceeded, match="max_pages allows") as caught:
            probe(make_pdf(*[(9, 9, 0)] * 4), limits=ReadLimits(max_pages=3))
        assert caught.value.limit == "max_pages"


class TestDamage:
    """What cannot be read is told by the page where there are others, else by the document."""

    def test_pages_that_are_claimed_and_missing_are_listed(self, make_pdf: MakePdf) -> None:
        with open_document(make_pdf((100, 100, 0), claim=3)) as document:
            assert [page.problem is None for page in document.info.pages] == [True, False, False]
            assert document.page(1).width == 200
            with pytest.raises(DamagedInput, match="page 3: the page is listed"):
                document.page(3)

    @pytest.mark.parametrize("size", [(0, 0), (0, 100), (100, 0)])
    def test_a_page_without_a_size_is_its_own_problem(self, make_pdf: MakePdf, size: tuple[int, int]) -> None:
        with open_document(make_pdf((100, 100, 0), (*size, 0))) as document:
            first, second = document.info.pages
        assert first.problem is None
        # PDFium takes US Letter where a box is empty; either way the page must be accounted for.
        assert second.problem is not None or second.width > 0

    def test_no_pages_is_a_sentence(self, make_pdf: MakePdf) -> None:
        locked = make_pdf((9, 9, 0)).replace(b"/Size", b"/Encrypt << /Filter /Standard /V 1 /R 2 >> /Size")
        with pytest.raises(InputError):  # PDFium remembers this failure
            probe(locked)
        with pytest.raises(DamagedInput, match="damaged beyond repair or has no pages"):
            probe(make_pdf())

    def test_a_header_alone_is_a_sentence(self) -> None:
        with pytest.raises(DamagedInput, match="damaged beyond repair"):
            probe(b"%PDF-1.4\nthat is all")

    @pytest.mark.parametrize("keep", [0.2, 0.5, 0.8, 0.95])
    def test_a_pdf_that_breaks_off_reads_or_says_so(self, make_pdf: MakePdf, keep: float) -> None:
        body = make_pdf((100, 100, 0), (100, 100, 0))
        cut = body[: int(len(body) * keep)]
        try:
            count = len(probe(cut).pages)
        except DamagedInput:
            count = -1
        assert count in (-1, 1, 2)


class TestPages:
    """A range chooses pages; `info` lists those."""

    @pytest.mark.parametrize(
        ("pages", "numbers"),
        [
            ("2", [2]),
            ("1-2", [1, 2]),
            ("3-", [3, 4]),
            (" 4, 1 ", [1, 4]),
            ("3-99999999999", [3, 4]),
            ([4, 2, 2], [2, 4]),
            (None, [1, 2, 3, 4]),
        ],
    )
    def test_ranges(self, make_pdf: MakePdf, pages: Any, numbers: list[int]) -> None:
        with open_document(make_pdf(*[(9, 9, 0)] * 4), pages=pages) as document:
            assert [page.number for page in document.info.pages] == numbers

    @pytest.mark.parametrize(
        ("pages", "said"),
        [
            ("5", "has no page 5; it has 4"),
            ("5-99999999999", "has no page 5; it has 4"),
            ("9-", "has no page 9; it has 4"),
            ("3-2", "ends before it begins"),
            ("0-2", "has no page 0"),
            ("two", "no page range"),
            ("", "no page range"),
            ("-3", "no page range"),
            ([], "no pages were asked for"),
            ([0], "has no page 0"),
        ],
    )
    def test_wrong_ranges_are_the_callers_fault(self, make_pdf: MakePdf, pages: Any, said: str) -> None:
        with pytest.raises(OptionError, match=said):
            open_document(make_pdf(*[(9, 9, 0)] * 4), pages=pages)


def test_threads_with_documents_of_their_own_see_the_same_pixels(make_pdf: MakePdf) -> None:
    body = make_pdf(*[(200, 200, 0)] * 4)
    with open_document(body) as document:
        expected = document.page(1).image
    wrong: list[int] = []

    def work() -> None:
        for _ in range(5):
            with open_document(body) as document:
                images = [document.page(page.number).image for page in document.info.pages]
            wrong.extend(n for n, image in enumerate(images) if not np.array_equal(image, expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_closing_twice_is_no_fault(make_pdf: MakePdf) -> None:
    document = open_document(make_pdf((9, 9, 0)))
    document.close()
    document.close()
