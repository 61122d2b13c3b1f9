"""The characters of a PDF page and where they stand, against the pixels of the same page."""

from __future__ import annotations

import numpy as np
import pytest
from pdfs import LETTER, letter, text_pdf

from pipelines.read import PageImage, open_document


def _page(pdf: bytes, dpi: float = 144) -> PageImage:
    with open_document(pdf, dpi=dpi, text_layer=True) as document:
        return document.page(1)


def _text(page: PageImage) -> str:
    assert page.text_layer is not None
    return "".join(map(chr, page.text_layer.codes))


def _painted_share(page: PageImage) -> float:
    """The share of the page's dark pixels that lies in the boxes of its characters."""
    assert page.text_layer is not None
    dark = page.image.max(axis=2) < 128
    inside = np.zeros_like(dark)
    quads = page.text_layer.quads
    for (left, top), (right, bottom) in zip(quads.min(axis=1), quads.max(axis=1), strict=True):
        inside[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = True
    assert inside.mean() < 0.5
    return float(dark[inside].sum() / dark.sum())


def test_the_layer_comes_only_when_asked_for() -> None:
    with open_document(text_pdf(letter())) as document:
        assert document.page(1).text_layer is None
    assert _text(_page(text_pdf(letter()))).split() == " ".join(LETTER).split()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", ["", "/CropBox [20 10 410 290]", "/CropBox [-30 -20 500 400]"])
@pytest.mark.parametrize("dpi", [100, 144])
def test_characters_stand_where_they_are_painted(rotation: int, crop: str, dpi: float) -> None:
    page = _page(text_pdf(letter(), page=f"/Rotate {rotation} {crop}"), dpi)
    assert _painted_share(page) > 0.98


@pytest.mark.parametrize(
    ("matrix", "along"),
    [
        ("1 0 0 1 40 150", (1, 0)),
        ("0 1 -1 0 200 20", (0, -1)),
        ("-1 0 0 -1 400 150", (-1, 0)),
        ("0 -1 1 0 200 290", (0, 1)),
        ("0.866 0.5 -0.5 0.866 40 40", (0.866, -0.5)),
    ],
)
def test_a_quad_begins_where_its_character_begins(matrix: str, along: tuple[float, float]) -> None:
    page = _page(text_pdf(f"BT /F 20 Tf {matrix} Tm (Hamburger) Tj ET"))
    assert page.text_layer is not None
    quads = page.text_layer.quads
    sides = quads[:, 1] - quads[:, 0]
    assert np.allclose(sides / np.linalg.norm(sides, axis=1, keepdims=True), along, atol=0.02)
    steps = np.diff(quads.mean(axis=1), axis=0)
    assert (steps @ np.array(along) > 0).all()
    assert _painted_share(page) > (0.98 if 0 in along else 0.6)


def test_fonts_and_paint_are_told() -> None:
    page = _page(text_pdf("BT /F 20 Tf 20 200 Td (aa) Tj /B 20 Tf (bb) Tj 3 Tr (cc) Tj ET"))
    layer = page.text_layer
    assert layer is not None
    assert _text(page) == "aabbcc"
    assert layer.fonts[0] == layer.fonts[1] != layer.fonts[2] == layer.fonts[3]
    assert layer.painted.tolist() == [True] * 4 + [False] * 2


def test_pictures_are_told_by_their_place() -> None:
    page = _page(text_pdf("q 100 0 0 50 20 200 cm /Im Do Q", picture=(2, 1, b"\x00\x80")), dpi=72)
    assert page.text_layer is not None
    assert page.text_layer.pictures.tolist() == [[20, 50, 120, 100]]
    assert page.text_layer.turned(90, (420, 300)).pictures.tolist() == [[50, 300, 100, 400]]


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_layer_turns_with_its_page(angle: int) -> None:
    page = _page(text_pdf(letter()))
    assert page.text_layer is not None
    turned = page.text_layer.turned(angle, (page.width, page.height))
    image = np.ascontiguousarray(np.rot90(page.image, angle // 90))
    moved = PageImage(image, None, None, 1, image.shape[1], image.shape[0], None, 0, None, text_layer=turned)
    assert _painted_share(moved) > 0.98


def test_what_the_file_does_not_name_is_not_guessed() -> None:
    def said(codes: list[tuple[str, str]]) -> str:
        return _text(_page(text_pdf("BT /G 20 Tf 20 200 Td (ab) Tj ET", codes=codes)))

    assert said([("a", "x"), ("b", "\U0001f600")]) == "x\U0001f600"
    assert said([("a", "fi"), ("b", "b")]) == "fib"
    assert said([("a", "a"), ("b", "\x07")]) == "a\x07"
    gap = text_pdf("BT /G 20 Tf 20 200 Td (a b) Tj ET", codes=[("a", "a"), (" ", "\x07"), ("b", "b")])
    assert _text(_page(gap)) == "a b"
