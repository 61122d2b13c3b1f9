"""The page before contents that no example has: hostile, right to left, upright, and very long."""

from __future__ import annotations

from typing import Any

import pytest
from browser import Browser, Desk, Page, document, opened, result, stand_in
from playwright.sync_api import expect

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
ID = "0" * 32
EVIL = "<img src=x onerror=\"document.title='taken'\"><script>alert(1)</script>"
LEVEL = [[100, 100], [500, 100], [500, 140], [100, 140]]
FALLING = [[700, 100], [740, 100], [740, 500], [700, 500]]
TURNED = [[100, 200], [500, 200], [500, 240], [100, 240]]
SLANTED = [[100, 300], [480, 340], [476, 380], [96, 340]]


def show(page: Page, found: dict[str, Any], results: Any, number: int = 1) -> None:
    stand_in(page, found, results)
    page.goto(f"{page.url.split('#')[0]}#/documents/{ID}/{number}")


def test_names_texts_and_reasons_never_become_markup(browser: Browser, desk: Desk) -> None:
    found = document(ID, 1, name=EVIL, source=EVIL, state="partial", reason=EVIL)
    with opened(browser, desk.url) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.route(
            "**/v1/documents?*", lambda route: route.fulfill(json={"documents": [found], "next": None})
        )
        page.reload()
        expect(page.locator(".row-name")).to_have_text(EVIL)
        show(page, found, lambda _: result([(EVIL, "Latn", LEVEL, 0.9)]))
        expect(page.locator(".words")).to_have_text(EVIL)
        expect(page.locator("h1")).to_have_text(EVIL)
        expect(page.locator(".trouble")).to_contain_text(EVIL)
        page.get_by_label("Search the document").fill("img")
        expect(page.locator(".found-text")).to_have_text(EVIL)
        page.locator(".mark").click()
        expect(page.locator(".card-text")).to_have_text(EVIL)
        assert page.title() == f"{EVIL} · Pageline"
        assert page.locator("main script, main img[src=x]").count() == 0


def test_lines_of_all_directions_stand_where_they_were_read(browser: Browser, desk: Desk) -> None:
    lines = [
        ("שלום עולם", "Hebr", LEVEL, 0.99),
        ("竖排文字很好", "Hani", FALLING, 0.99),
        ("Falling words", "Latn", FALLING, 0.99),
        ("Head over heels", "Latn", TURNED, 0.99),
        ("Slanted", "Latn", SLANTED, 0.99),
    ]
    with opened(browser, desk.url) as page:
        angles = [0, 0, 0, 1, 0]
        show(page, document(ID, 1), lambda _: result(lines, textline_orientation_angles=angles))
        marks = page.locator(".mark")
        expect(marks).to_have_count(5)
        expect(page.locator(".paper img")).to_be_visible()
        assert page.locator(".words").first.get_attribute("dir") == "rtl"
        paper = page.locator(".paper").bounding_box()
        assert paper is not None
        scale = paper["width"] / 800
        for at, (_, _, corners, _) in enumerate(lines):
            box = marks.nth(at).bounding_box()
            assert box is not None
            xs, ys = zip(*corners, strict=True)
            expected = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
            found = [(box["x"] - paper["x"]) / scale, (box["y"] - paper["y"]) / scale]
            assert [*found, box["width"] / scale, box["height"] / scale] == pytest.approx(expected, abs=2)
            text = marks.nth(at).locator("span").bounding_box()
            assert text is not None
            length = max(text["width"], text["height"]) / scale
            assert length == pytest.approx(max(expected[2:]), rel=0.05)


def test_of_a_thousand_pages_only_those_in_sight_are_there(browser: Browser, desk: Desk) -> None:
    def results(number: int) -> dict[str, Any]:
        needle = " needle" if number % 100 == 0 else ""
        return result([(f"This is page {number}{needle}", "Latn", LEVEL, 0.97)])

    with opened(browser, desk.url) as page:
        show(page, document(ID, 1000), results)
        expect(page.locator(".words")).to_have_text("This is page 1")
        assert page.locator(".small-page").count() < 20
        page.get_by_label("Page number").fill("999")
        page.get_by_label("Page number").press("Enter")
        expect(page.locator(".words")).to_have_text("This is page 999")
        current = page.locator(".small-page[aria-current=page]")
        expect(current).to_contain_text("999")
        expect(current).to_be_in_viewport()
        assert page.locator(".small-page").count() < 20
        page.get_by_label("Search the document").fill("needle")
        expect(page.locator(".hits")).to_contain_text("of 10")
        page.keyboard.press("Enter")
        expect(page.locator(".words")).to_have_text("This is page 1000 needle")
        page.keyboard.press("Shift+Enter")
        expect(page.locator(".words")).to_have_text("This is page 900 needle")


def test_letters_are_found_whatever_their_case_and_accents(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk.url) as page:
        show(
            page,
            document(ID, 1),
            lambda _: result([("Zürich \N{LATIN SMALL LIGATURE FI}nden", "Latn", LEVEL, 0.9)]),
        )
        for wanted, marked in (("zurich", "Zürich"), ("FIN", "\N{LATIN SMALL LIGATURE FI}n")):
            page.get_by_label("Search the document").fill(wanted)
            expect(page.locator(".words mark")).to_have_text(marked)


def test_a_page_without_text_and_a_document_without_pages_say_so(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk.url) as page:
        show(page, document(ID, 1), lambda _: result([]))
        expect(page.locator(".text-pane")).to_contain_text("There is no text on this page.")
    with opened(browser, desk.url) as page:
        reason = "double.pdf: the file is empty"
        none = {
            "total": None,
            "done": 0,
            "failed": 0,
            "running": 0,
            "pending": 0,
            "cancelled": 0,
            "skipped": 0,
        }
        show(page, document(ID, 0, state="rejected", reason=reason, pages=none), lambda _: {})
        expect(page.locator(".sheet-note p")).to_have_text("The file is empty")
