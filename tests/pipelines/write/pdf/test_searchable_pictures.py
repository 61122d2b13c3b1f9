"""Pictures become pages: JPEG and PNG as they are, the rest without loss, upright and at their own size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image
from searchable import Kit, Readers

from pipelines.errors import WriteError
from pipelines.read import ReadLimits, open_document
from pipelines.read.pages import BgrImage
from pipelines.write import Page
from pipelines.write.pdf.glyphless import Blocks, add_fonts


def _read(
    kit: Kit,
    source: Path,
    number: int = 1,
    text: str = "Hello world",
    place: tuple[int, int, int, int] = (20, 70, 180, 100),
) -> tuple[BgrImage, Page]:
    with open_document(source) as document:
        image = document.page(number).image
    height, width = image.shape[:2]
    return image, kit.page([(text, place)], (width, height), number=number, origin="picture")


def _painted(target: Path, size: tuple[int, int], number: int = 1) -> BgrImage:
    """The page painted at the picture's own size, BGR."""
    height, width = size
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    with pypdfium2.PdfDocument(target) as pdf:
        pdfium.FPDF_RenderPageBitmap(bitmap, pdf[number - 1], 0, 0, width, height, 0, 0)
    return bitmap.to_numpy()


def _image(target: Path, number: int = 1) -> tuple[bytes, dict[str, str]]:
    with pikepdf.open(target) as pdf:
        image = pdf.pages[number - 1].Resources.XObject.Im
        return image.read_raw_bytes(), {key: str(value) for key, value in image.items()}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_embedded_as_it_is_and_stands_upright(kit: Kit, readers: Readers, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = kit.picture("photo.jpg", exif=exif, dpi=(100, 100), quality=95)
    upright, page = _read(kit, source)

    target = kit.write(source, [page])

    assert _image(target)[0] == source.read_bytes()
    painted = _painted(target, upright.shape[:2])
    assert np.abs(painted.astype(int) - upright).mean() < 3
    assert readers.pdfium(target) == "Hello world"
    size = upright.shape[1::-1]
    assert np.abs(np.array(readers.boxes(target, size)["Hello"][1::2]) - [70, 100]).max() < 3
    with pypdfium2.PdfDocument(target) as pdf:
        assert pdf[0].get_size() == pytest.approx([side * 72 / 100 for side in size], abs=0.01)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("grey.png", "L"),
        ("colour.png", "RGB"),
        ("palette.png", "P"),
        ("bits.png", "1"),
        ("deep.png", "I;16"),
        ("clear.png", "RGBA"),
        ("fax.tiff", "1"),
        ("grey.tiff", "L"),
        ("colour.tiff", "RGB"),
        ("colour.bmp", "RGB"),
        ("lossless.webp", "RGB"),
    ],
)
def test_other_pictures_lose_nothing(kit: Kit, readers: Readers, name: str, mode: str) -> None:
    source = kit.folder / name
    picture = Image.open(kit.picture("drawn.png", "RGB"))
    pixels = np.array(picture.convert("L"))
    if mode == "I;16":
        Image.fromarray(pixels.astype(np.uint16) * 257).save(source)
    else:
        picture.convert(mode).save(source, **({"lossless": True} if name.endswith("webp") else {}))
    read, page = _read(kit, source)

    target = kit.write(source, [page])

    assert np.array_equal(_painted(target, read.shape[:2]), read)
    assert readers.pdfium(target) == "Hello world"


def test_a_png_is_embedded_as_it_is(kit: Kit) -> None:
    source = kit.picture("drawn.png")
    page = _read(kit, source)[1]

    data, entries = _image(kit.write(source, [page]))

    assert data in source.read_bytes()
    assert entries["/Filter"] == "/FlateDecode"


def test_every_frame_of_a_tiff_becomes_a_page_one_that_is_damaged_an_empty_one(
    kit: Kit, readers: Readers
) -> None:
    source = kit.folder / "frames.tiff"
    frames = [Image.new("1", (60, 80), 1), Image.new("RGB", (90, 50), "red"), Image.new("L", (40, 40), 9)]
    frames[0].save(source, save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate")
    body = source.read_bytes()
    packed = [found.start() for found in re.finditer(b"\x78\x9c", body)]
    source.write_bytes(body[: packed[1] + 2] + b"\xff" * 12 + body[packed[1] + 14 :])
    pages = [
        kit.page([("one", (5, 5, 50, 20))], (60, 80), origin="picture"),
        Page(2, {"state": "failed", "reason": "Damaged.", "page": {"number": 2}}),
        kit.page([("three", (5, 5, 39, 20))], (40, 40), number=3, origin="picture"),
    ]

    target = kit.write(source, pages)

    assert [readers.pdfium(target, number) for number in (1, 2, 3)] == ["one", "", "three"]
    assert (_painted(target, (80, 60), 1) == 255).all()
    assert (_painted(target, (40, 40), 3) == 9).all()
    with pikepdf.open(target) as pdf:
        assert "/XObject" not in pdf.pages[1].Resources


def test_a_picture_is_shown_that_somebody_else_would_find_too_large(kit: Kit) -> None:
    """Whoever raises a limit reads such pages, and wants to see them."""
    source = kit.picture("long.tiff", size=(200, 32_100))
    page = kit.page([("one", (5, 5, 50, 20))], (200, 32_100), origin="picture")
    with pytest.raises(WriteError, match="max_side"):
        kit.write(source, [page])
    with pikepdf.open(kit.write(source, [page], limits=ReadLimits(max_side=40_000))) as pdf:
        assert "/XObject" in pdf.pages[0].Resources


def test_cmyk_as_adobe_stores_it_is_not_inverted(kit: Kit) -> None:
    source = kit.folder / "print.jpg"
    Image.new("CMYK", (200, 300), (0, 0, 0, 0)).save(source)
    assert b"Adobe" in source.read_bytes()[:400]
    read, page = _read(kit, source)

    painted = _painted(kit.write(source, [page]), read.shape[:2])

    assert read.min() > 250
    assert painted.min() > 250


def test_pages_are_as_large_as_their_resolution_says(kit: Kit) -> None:
    cases = {(300, 300): (48, 72), (204, 98): (70.588, 220.408), None: (150, 225)}
    for dpi, size in cases.items():
        source = kit.picture("sized.png", **({"dpi": dpi} if dpi else {}))
        with pypdfium2.PdfDocument(kit.write(source, [_read(kit, source)[1]])) as pdf:
            assert pdf[0].get_size() == pytest.approx(size, rel=1e-3)


def test_a_colour_profile_goes_along(kit: Kit) -> None:
    body = bytearray(128)
    body[8], body[12:16], body[16:20], body[36:40] = 4, b"mntr", b"RGB ", b"acsp"
    told, fits_not = kit.folder / "told.jpg", kit.folder / "fits-not.jpg"
    Image.new("RGB", (20, 30)).save(told, icc_profile=bytes(body))
    Image.new("L", (20, 30)).save(fits_not, icc_profile=bytes(body))

    with pikepdf.open(kit.write(told, [_read(kit, told)[1]])) as pdf:
        space = pdf.pages[0].Resources.XObject.Im.ColorSpace
        assert space[0] == "/ICCBased"
        assert space[1].read_bytes() == bytes(body)
    assert _image(kit.write(fits_not, [_read(kit, fits_not)[1]]))[1]["/ColorSpace"] == "/DeviceGray"


def test_pdfa_of_pictures_keeps_the_rules_that_can_be_checked(kit: Kit, readers: Readers) -> None:
    source = kit.picture("archive.jpg")
    title = source.rename(kit.folder / "Müller & Söhne <1>.jpg")

    target = kit.write(title, [_read(kit, title, text="für 😀 immer")[1]], archive=True)

    body = target.read_bytes()
    assert body.startswith(b"%PDF-1.7\n%")
    assert all(byte > 127 for byte in body[10:14])
    with pikepdf.open(target) as pdf:
        assert not pdf.check_pdf_syntax()
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "2U"
            assert metadata["dc:title"] == str(pdf.docinfo["/Title"]) == title.name
            assert metadata["pdf:Producer"] == str(pdf.docinfo["/Producer"])
        assert "/Filter" not in pdf.Root.Metadata
        assert len(pdf.trailer.ID) == 2
        intent = pdf.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[16:20] == b"RGB "
        for font in pdf.pages[0].Resources.Font.values():
            _check_font(font)
    assert readers.pdfium(target) == "für 😀 immer"


def _check_font(font: Any) -> None:
    """Widths in the file are those of its program, and no code leads to the glyph of what is missing."""
    (descendant,) = font.DescendantFonts
    program = descendant.FontDescriptor.FontFile2.read_bytes()
    tables = {}
    for at in range(12, 12 + 16 * int.from_bytes(program[4:6], "big"), 16):
        start, length = (int.from_bytes(program[at + n : at + n + 4], "big") for n in (8, 12))
        tables[program[at : at + 4]] = program[start : start + length]
    advances = np.frombuffer(tables[b"hmtx"], ">u2")[::2]
    glyphs = np.frombuffer(descendant.CIDToGIDMap.read_bytes(), ">u2")
    assert len(glyphs) == 0x10000
    assert glyphs.min() > 0
    told = np.full(0x10000, int(descendant.DW))
    entries = list(descendant.W)
    while entries:
        first, following = int(entries.pop(0)), entries.pop(0)
        if isinstance(following, pikepdf.Array):
            told[first : first + len(following)] = [int(width) for width in following]
        else:
            told[first : int(following) + 1] = int(entries.pop(0))
    assert np.array_equal(advances[glyphs], told)
    assert font.ToUnicode.read_bytes().count(b"beginbfrange") == 1


def test_pdfa_of_cmyk_without_a_profile_goes_in_as_it_was_read(kit: Kit) -> None:
    source = kit.folder / "print.jpg"
    Image.new("CMYK", (20, 30), (200, 9, 9, 0)).save(source)
    page = _read(kit, source)[1]

    assert _image(kit.write(source, [page]))[1]["/ColorSpace"] == "/DeviceCMYK"
    assert _image(kit.write(source, [page], archive=True))[1]["/ColorSpace"] == "/DeviceRGB"


def test_pdfa_of_a_pdf_is_refused_unless_it_says_it_is_one(kit: Kit, readers: Readers) -> None:
    page = kit.page([("archived", (40, 50, 180, 80))], (400, 600))
    for claim, refusal in (("", "does not declare itself"), ("1B", "PDF/A-1b"), ("2U", None)):
        source = kit.scan()
        if claim:
            with pikepdf.open(source, allow_overwriting_input=True) as pdf:
                with pdf.open_metadata() as metadata:
                    metadata["pdfaid:part"], metadata["pdfaid:conformance"] = claim
                pdf.save(source)
        if refusal:
            with pytest.raises(WriteError, match=refusal):
                kit.write(source, [page], archive=True)
        else:
            assert readers.pdfium(kit.write(source, [page], archive=True)) == "archived"


def test_heic_goes_in_as_it_was_read(kit: Kit) -> None:
    heif = pytest.importorskip("pillow_heif")
    source = kit.folder / "photo.heic"
    heif.from_pillow(Image.open(kit.picture("drawn.png"))).save(source)
    read, page = _read(kit, source)

    assert np.array_equal(_painted(kit.write(source, [page]), read.shape[:2]), read)


def test_a_font_has_a_code_for_every_character_of_its_planes() -> None:
    blocks = Blocks()
    blocks.note("a\u4e2d\U0001f600\U0010fffd")
    objects: list[tuple[object, bytes | None]] = []

    def add(entries: dict[str, Any], data: bytes | None = None) -> int:
        objects.append((entries, data))
        return len(objects)

    fonts = add_fonts(blocks, add)

    assert list(fonts) == [0, 1, 16]
    assert sum(len(data or str(entries)) for entries, data in objects) < 6000


def test_an_unreadable_source_is_refused(kit: Kit) -> None:
    source = kit.folder / "notes.txt"
    source.write_text("no picture")
    with pytest.raises(WriteError, match="cannot be opened"):
        kit.write(source, [])
