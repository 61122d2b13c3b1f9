"""PDFs keep their pages; what was read lies over them, unseen, in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pikepdf
import pytest
from searchable import SCRIPTS, SHOWN_PAGES, Kit, Readers

from pipelines.errors import WriteError
from pipelines.write import DocumentInfo, Page
from pipelines.write.pdf.writer import PdfWriter

_SIZE = (400, 600)


def _close(found: object, expected: object, within: float = 3.0) -> bool:
    return np.abs(np.array(found) - np.array(expected)).max() <= within


@pytest.mark.parametrize(("entries", "size"), SHOWN_PAGES)
def test_words_stand_where_they_were_read(
    kit: Kit, readers: Readers, entries: dict[str, Any], size: tuple[int, int]
) -> None:
    source = kit.scan(**entries)
    page = kit.page([("Hello brave world", (40, 50, 180, 80))], size)

    target = kit.write(source, [page])

    assert readers.pdfium(target) == "Hello brave world"
    found = readers.boxes(target, size)
    assert _close([found["Hello"][0], *found["Hello"][1::2]], [40, 50, 80])
    assert _close([found["world"][2], *found["world"][1::2]], [180, 50, 80])
    assert np.array_equal(readers.pixels(source), readers.pixels(target))


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_that_was_turned_for_reading_gets_its_words_back_in_place(
    kit: Kit, readers: Readers, angle: int
) -> None:
    size = (400, 600)
    transform = {"angle": angle, "source_size": list(size), "grid": None}
    page = kit.page([("Sideways", (100, 50, 250, 80))], size, transform=transform)

    target = kit.write(kit.scan(), [page])

    expected = {90: (320, 100, 350, 250), 180: (150, 520, 300, 550), 270: (50, 350, 80, 500)}[angle]
    assert _close(readers.boxes(target, size)["Sideways"], expected)


def test_a_flattened_page_gets_its_words_back_along_the_bend(kit: Kit, readers: Readers) -> None:
    size = (400, 600)
    across, down = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9))
    grid = {"rows": 9, "columns": 9, "x": across.tolist(), "y": (down + 0.1 * across).tolist()}
    transform = {"angle": 0, "source_size": list(size), "grid": grid}
    page = kit.page([("left right", (20, 285, 380, 315))], size, transform=transform)

    found = readers.boxes(kit.write(kit.scan(), [page]), size)

    middles = {word: (box[1] + box[3]) / 2 for word, box in found.items() if word in ("left", "right")}
    assert middles["left"] == pytest.approx(300 - 16, abs=4)
    assert middles["right"] == pytest.approx(300 + 13, abs=4)


def test_slanted_vertical_and_upside_down_lines_follow_their_quads(kit: Kit, readers: Readers) -> None:
    slanted = [(50, 100), (250, 200), (236, 228), (36, 128)]
    page = kit.page(
        [
            ("going downhill", slanted),
            ("縦書き文字", (300, 100, 330, 300)),
            ("headstand", (100, 400, 250, 430)),
        ],
        _SIZE,
        turned=[0, 0, 1],
    )

    target = kit.write(kit.scan(), [page])

    assert readers.pdfium(target).splitlines() == ["going downhill", "縦書き文字", "headstand"]
    found = readers.boxes(target, _SIZE)
    assert _close(found["縦書き文字"], (300, 100, 330, 300))
    assert _close(found["headstand"], (100, 400, 250, 430))
    # The first letter of a line on its head stands at the right.
    assert found["h"][0] > 230
    assert _close(found["downhill"][2:], (250, 228), within=16)


@pytest.mark.parametrize("text", SCRIPTS)
def test_any_script_is_read_back_in_logical_order(kit: Kit, readers: Readers, text: str) -> None:
    target = kit.write(kit.scan(), [kit.page([(text, (20, 50, 380, 80))], _SIZE)])

    assert readers.pdfium(target) == text


def test_brackets_around_right_to_left_text_are_mirrored_as_readers_expect(
    kit: Kit, readers: Readers
) -> None:
    target = kit.write(kit.scan(), [kit.page([("(שלום) עולם", (20, 50, 380, 80))], _SIZE)])

    assert readers.pdfium(target) == "(שלום) עולם"


def test_what_a_reader_could_not_show_is_left_out(kit: Kit, readers: Readers) -> None:
    target = kit.write(kit.scan(), [kit.page([("a\x00b\ufeffc\ud800d \x07", (20, 50, 380, 80))], _SIZE)])

    assert readers.pdfium(target) == "abcd"


def test_lines_come_in_reading_order_and_apart(kit: Kit, readers: Readers) -> None:
    lines = [
        ("first column", (20, 50, 180, 70)),
        ("goes on", (20, 80, 180, 100)),
        ("second", (220, 50, 380, 70)),
    ]

    target = kit.write(kit.scan(), [kit.page(lines, _SIZE)])

    assert readers.pdfium(target).split() == ["first", "column", "goes", "on", "second"]


def test_an_earlier_hidden_layer_is_replaced(kit: Kit, readers: Readers) -> None:
    old = b"BT /F 12 Tf 3 Tr 20 200 Td (old reading) Tj ET"
    source = kit.scan(content=old)
    assert readers.pdfium(source) == "old reading"

    target = kit.write(source, [kit.page([("new reading", (40, 180, 200, 210))], _SIZE)])

    assert readers.pdfium(target) == "new reading"
    assert np.array_equal(readers.pixels(source), readers.pixels(target))


def test_a_hidden_layer_in_a_form_is_replaced_and_state_behind_it_holds(kit: Kit, readers: Readers) -> None:
    source = kit.scan(content=b'BT /F 12 Tf 3 Tr 20 200 Td 5 1 (gone) " (too) Tj ET q 0 Tr Q /Fm Do')
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        resources = pdf.pages[0].Resources
        form = pdf.make_stream(
            b"BT /F 9 Tf 3 Tr 10 10 Td (form) Tj ET",
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Form,
            BBox=[0, 0, 200, 300],
            Resources=pikepdf.Dictionary(Font=resources.Font),
        )
        resources.XObject.Fm = form
        pdf.save(source)
    assert "form" in readers.pdfium(source)

    target = kit.write(source, [kit.page([("fresh", (40, 180, 200, 210))], _SIZE)])

    assert readers.pdfium(target) == "fresh"
    with pikepdf.open(target) as pdf:
        content = b"".join(stream.read_bytes() for stream in pdf.pages[0].Contents)
    assert b"5 Tw" in content
    assert b"1 Tc" in content


def test_a_second_pass_over_its_own_result_leaves_one_layer(kit: Kit, readers: Readers) -> None:
    page = kit.page([("once only", (40, 180, 200, 210))], _SIZE)
    first = kit.write(kit.scan(), [page])

    second = kit.write(first, [page])

    assert readers.pdfium(second) == "once only"
    assert second.stat().st_size < first.stat().st_size + 4000


def test_a_page_with_broken_content_is_left_alone_and_the_others_get_their_layers(
    kit: Kit, readers: Readers
) -> None:
    source = kit.scan(pages=2)
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        pdf.pages[0].Contents = pdf.make_stream(b"BT /F 12 Tf Tr 20 200 Td (old) Tj ET")
        pdf.save(source)

    pages = [kit.page([("fresh", (40, 50, 180, 80))], _SIZE, number=number) for number in (1, 2)]
    target = kit.write(source, pages)

    assert [readers.pdfium(target, number) for number in (1, 2)] == [readers.pdfium(source), "fresh"]


def test_a_page_without_anything_read_keeps_its_hidden_layer(kit: Kit, readers: Readers) -> None:
    source = kit.scan(content=b"BT /F 12 Tf 3 Tr 20 200 Td (old) Tj ET")

    target = kit.write(source, [kit.page([], _SIZE)])

    assert target.read_bytes() == source.read_bytes()


def test_a_born_digital_page_gets_no_second_layer(kit: Kit, readers: Readers) -> None:
    source = kit.letter(b"BT /F 20 Tf 20 200 Td (Written down) Tj ET")
    own = kit.page([("Written down", (40, 160, 280, 210))], _SIZE, origin="digital", from_pdf=[True])
    read = kit.page([("Written down", (40, 160, 280, 210))], _SIZE, origin="digital")

    assert kit.write(source, [own]).read_bytes() == source.read_bytes()
    assert kit.write(source, [read]).read_bytes() == source.read_bytes()


def test_only_what_a_mixed_page_does_not_say_itself_is_added(kit: Kit, readers: Readers) -> None:
    source = kit.letter(b"BT /F 20 Tf 20 200 Td (Written down) Tj ET 0 0 50 50 re f")
    lines = [("Written down", (40, 160, 280, 210)), ("in a picture", (40, 400, 200, 430))]

    target = kit.write(source, [kit.page(lines, _SIZE, origin="digital")])

    assert sorted(readers.pdfium(target).splitlines()) == ["Written down", "in a picture"]


def test_text_behind_a_picture_is_not_doubled(kit: Kit, readers: Readers) -> None:
    source = kit.scan(content=b"BT /F 20 Tf 20 250 Td (Covered up) Tj ET q 200 0 0 300 0 0 cm /Im Do Q")
    lines = [("Covered up", (40, 60, 250, 110)), ("seen", (40, 400, 200, 430))]

    target = kit.write(source, [kit.page(lines, _SIZE)])

    assert sorted(readers.pdfium(target).splitlines()) == ["Covered up", "seen"]


def test_text_that_does_not_say_what_it_is_gets_a_layer(kit: Kit, readers: Readers) -> None:
    source = kit.letter(b"BT /F 20 Tf 20 200 Td (Written down) Tj ET")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        font = pdf.pages[0].Resources.Font.F
        table = (
            b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00> <ff> <e000> endbfrange"
        )
        font.ToUnicode = pdf.make_stream(table)
        pdf.save(source)

    target = kit.write(source, [kit.page([("Written down", (40, 160, 280, 210))], _SIZE, origin="digital")])

    assert {"Written", "down"} <= set(readers.pdfium(target).split())


def test_pages_that_were_not_read_stay(kit: Kit, readers: Readers) -> None:
    source = kit.scan(pages=3)
    failed = Page(1, {"state": "failed", "reason": "It broke.", "page": {"number": 1}})
    skipped = Page(3, {"state": "skipped", "reason": "Nobody asked for it.", "page": {"number": 3}})

    target = kit.write(source, [failed, kit.page([("middle", (40, 50, 180, 80))], _SIZE, number=2), skipped])

    assert [readers.pdfium(target, number) for number in (1, 2, 3)] == ["", "middle", ""]


def test_outline_links_forms_boxes_and_metadata_are_kept(kit: Kit) -> None:
    source = kit.scan(pages=2, TrimBox=[5, 5, 195, 295])
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("Second", 1))
        with pdf.open_metadata() as metadata:
            metadata["dc:title"] = "Kept"
        pdf.docinfo["/Author"] = "Somebody"
        pdf.pages[0].Annots = pdf.make_indirect(
            [
                pikepdf.Dictionary(
                    Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], Dest="x"
                )
            ]
        )
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[], NeedAppearances=True)
        pdf.save(source)

    target = kit.write(source, [kit.page([("text", (40, 50, 180, 80))], _SIZE, number=2)])

    with pikepdf.open(source) as before, pikepdf.open(target) as after:
        with after.open_outline() as outline:
            assert [item.title for item in outline.root] == ["Second"]
        for name in ("/Metadata",):
            assert before.Root[name].read_raw_bytes() == after.Root[name].read_raw_bytes()
        assert str(after.docinfo["/Author"]) == "Somebody"
        assert after.Root.AcroForm.NeedAppearances
        assert after.pages[0].Annots[0].Subtype == pikepdf.Name.Link
        assert [float(side) for side in after.pages[1].TrimBox] == [5, 5, 195, 295]
        image = after.pages[1].Resources.XObject.Im
        assert image.read_raw_bytes() == before.pages[1].Resources.XObject.Im.read_raw_bytes()


@pytest.mark.parametrize("bits", [(6, True), (4, True), (4, False), (3, False)])
def test_an_encrypted_source_stays_encrypted_with_its_own_passwords(
    kit: Kit, readers: Readers, bits: tuple[int, bool]
) -> None:
    source = kit.scan("open.pdf")
    locked = kit.folder / "locked.pdf"
    with pikepdf.open(source) as pdf:
        pdf.save(
            locked,
            encryption=pikepdf.Encryption(
                owner="owner", user="user", R=bits[0], aes=bits[1], metadata=bits[1]
            ),
        )

    target = kit.write(locked, [kit.page([("secret", (40, 50, 180, 80))], _SIZE)], password="user")

    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(target)
    assert readers.pdfium(target, password="user") == readers.pdfium(target, password="owner") == "secret"
    assert np.array_equal(readers.pixels(locked, password="user"), readers.pixels(target, password="user"))


def test_the_same_pages_give_the_same_bytes(kit: Kit) -> None:
    pages = [kit.page([("again", (40, 50, 180, 80))], _SIZE)]

    first = kit.write(kit.scan(), pages).read_bytes()

    assert kit.write(kit.folder / "scan.pdf", pages).read_bytes() == first


def test_what_cannot_be_written_says_why(kit: Kit) -> None:
    damaged = kit.folder / "damaged.pdf"
    damaged.write_bytes(b"%PDF-1.7\nnothing of a PDF\n%%EOF\n")
    locked = kit.folder / "locked.pdf"
    with pikepdf.open(kit.scan()) as pdf:
        pdf.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))

    for source, sentence in ((damaged, "damaged"), (locked, "encrypted"), (None, "no source")):
        with pytest.raises(WriteError, match=sentence) as refusal:
            PdfWriter(kit.folder / "x.pdf", DocumentInfo("x", 1, source=source))
        assert str(kit.folder) not in str(refusal.value)


def test_a_page_that_the_pdf_does_not_have_is_refused(kit: Kit) -> None:
    with pytest.raises(WriteError, match="page 2"):
        kit.write(kit.scan(), [kit.page([("beyond", (40, 50, 180, 80))], _SIZE, number=2)])
