"""The page in a real browser, before a real stack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Browser, Desk, Page, opened, pictures_to
from crew import wait_for
from playwright.sync_api import Error, expect

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOVER = re.compile(r"\bhover\b")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def open_document(page: Page, desk: Desk, identity: str) -> None:
    page.goto(f"{desk.url}#/documents/{identity}")
    expect(page.locator(".text-lines li").first).to_be_attached()
    expect(page.locator(".paper img")).to_be_visible()


def texts(desk: Desk, identity: str, number: int = 1) -> list[str]:
    """A page's lines in the order in which they are read."""
    stored = desk.page(identity, number)
    return [stored["rec_texts"][index] for index in stored["reading_order"]]


def faults(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in {"serious", "critical"}
    ]


def test_the_first_view_is_small_and_has_a_strict_policy(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk.url) as page:
        sizes: list[int] = []
        page.on("requestfinished", lambda request: sizes.append(sum(request.sizes().values())))
        answer = page.reload()
        assert answer is not None
        expect(page.get_by_role("button", name="Choose files")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert 0 < sum(sizes) < 150_000
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_the_browser_itself_refuses_to_make_markup_of_text(browser: Browser, desk: Desk) -> None:
    page = browser.new_page()
    page.goto(desk.url)
    with pytest.raises(Error, match="TrustedHTML"):
        page.evaluate("() => { document.body.innerHTML = '<b>bold</b>'; }")
    page.close()


def test_a_dropped_file_is_sent_read_and_opened(page: Page, desk: Desk) -> None:
    page.evaluate(
        """async () => {
            const bytes = await (await fetch("/assets/x/icon.svg")).arrayBuffer();
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "no picture.svg"));
            const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", how));
        }"""
    )
    row = page.locator(".row", has_text="no picture.svg")
    expect(row).to_contain_text("Not readable")
    page.get_by_label("Files").set_input_files(EXAMPLES / "sideways.png")
    row = page.locator(".row", has_text="sideways.png")
    expect(row.locator(".badge")).to_have_text("Read", timeout=60_000)
    row.click()
    expect(page.get_by_role("heading", name="sideways.png")).to_be_visible()
    expect(page.locator(".text-lines li").first).to_be_visible()


def test_lines_stand_over_the_picture_and_beside_it_in_step(
    page: Page, desk: Desk, letter: dict[str, Any]
) -> None:
    open_document(page, desk, letter["id"])
    expected = texts(desk, letter["id"])
    assert page.locator(".mark").all_text_contents() == expected
    assert page.locator(".words").all_text_contents() == expected
    page.locator(".mark").nth(2).hover()
    expect(page.locator(".text-lines li").nth(2)).to_have_class(HOVER)
    page.locator(".text-lines li").nth(3).hover()
    expect(page.locator(".mark").nth(3)).to_have_class(HOVER)
    page.locator(".mark").nth(2).click()
    expect(page.locator(".text-lines li").nth(2)).to_have_attribute("aria-current", "true")
    expect(page.locator(".card")).to_contain_text(expected[2])
    page.get_by_role("button", name="Copy line").click()
    assert page.evaluate("navigator.clipboard.readText()") == expected[2]


def test_marks_lie_where_the_json_says(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    open_document(page, desk, letter["id"])
    stored = desk.page(letter["id"])
    paper = page.locator(".paper").bounding_box()
    mark = page.locator(".mark").first.bounding_box()
    assert paper is not None
    assert mark is not None
    scale = paper["width"] / stored["page"]["width"]
    x0, y0, x1, y1 = stored["rec_boxes"][stored["reading_order"][0]]
    found = [mark["x"] - paper["x"], mark["y"] - paper["y"], mark["width"], mark["height"]]
    assert found == pytest.approx([x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale], abs=2)


def test_lines_are_selected_over_the_picture_and_copied(
    page: Page, desk: Desk, letter: dict[str, Any]
) -> None:
    open_document(page, desk, letter["id"])
    expected = texts(desk, letter["id"])
    start, end = (page.locator(".mark").nth(number).bounding_box() for number in (1, 3))
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] - 1, end["y"] + end["height"] / 2, steps=5)
    page.mouse.up()
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert len(copied) == 3
    assert copied[1] == expected[2]
    assert copied[0] in expected[1]
    assert copied[2] in expected[3]


def test_lines_of_low_confidence_can_be_singled_out(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    open_document(page, desk, letter["id"])
    stored = desk.page(letter["id"])
    limit = sorted(stored["rec_scores"])[len(stored["rec_scores"]) // 2]
    percent = max(50, min(99, round(limit * 100)))
    page.get_by_label("Show lines less sure than").fill(str(percent))
    kept = [each for each in stored["reading_order"] if stored["rec_scores"][each] < percent / 100]
    expect(page.locator(".text-lines li:not([hidden])")).to_have_count(len(kept))
    expect(page.locator(".mark:not(.out)")).to_have_count(len(kept))
    page.get_by_role("button", name="Colour lines by confidence").click()
    expect(page.locator(".layer.coloured")).to_have_count(0)


def test_the_whole_document_is_searched(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    open_document(page, desk, letter["id"])
    word = texts(desk, letter["id"], 2)[0].split()[0]
    lines = [(number, line) for number in (1, 2) for line in texts(desk, letter["id"], number)]
    found = [(number, line) for number, line in lines if word in line]
    page.get_by_label("Search the document").fill(word.upper())
    expect(page.locator(".found")).to_have_count(len(found))
    for at, (number, line) in enumerate(found):
        page.keyboard.press("Enter")
        expect(page.locator(".hits")).to_have_text(f"{at + 1} of {len(found)}")
        expect(page.locator(".text-lines li[aria-current] .words")).to_have_text(line)
        expect(page.get_by_label("Page number")).to_have_value(str(number))
    expect(page.locator(".mark.hit").first).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator(".small-page")).to_have_count(2)


def test_every_output_can_be_downloaded(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    open_document(page, desk, letter["id"])
    page.locator("summary", has_text="Download").click()
    links = page.locator(".menu-list a")
    expect(links).to_have_count(len(letter["outputs"]))
    for at, output in enumerate(letter["outputs"]):
        with page.expect_download() as coming:
            links.nth(at).click()
        assert coming.value.path().read_bytes() == desk.http.get(output["url"]).content
        page.locator("summary", has_text="Download").click()


def test_failed_pages_are_told_with_their_reasons_and_tried_again(
    page: Page, desk: Desk, damaged: dict[str, Any]
) -> None:
    open_document(page, desk, damaged["id"])
    expect(page.locator(".trouble")).to_contain_text("One page of 3 could not be read: page 2.")
    page.get_by_text("Which, and why").click()
    expect(page.locator(".reasons li")).to_contain_text("points are too large")
    page.locator(".reasons a").click()
    expect(page.locator(".sheet-note")).to_contain_text("points are too large")
    page.locator(".rail .chip").click()
    expect(page.locator(".small-page")).to_have_count(1)
    with page.expect_response(lambda answer: answer.url.endswith("/retry")) as answered:
        page.get_by_role("button", name="Try again").click()
    assert answered.value.status == 202
    assert answered.value.json()["state"] != "partial"
    wait_for(lambda: desk.http.get(f"/v1/documents/{damaged['id']}").json()["state"] == "partial")
    expect(page.locator(".doc-name .badge")).to_have_text("Partly read")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_results_are_deleted_only_after_asking(page: Page, desk: Desk) -> None:
    found = desk.read(EXAMPLES / "sideways.png", "to be deleted.png")
    open_document(page, desk, found["id"])
    page.get_by_role("button", name="Delete results").click()
    page.get_by_role("button", name="Keep it").click()
    assert desk.http.get(f"/v1/documents/{found['id']}").status_code == 200
    page.get_by_role("button", name="Delete results").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Drop documents here")).to_be_visible()
    assert desk.http.get(f"/v1/documents/{found['id']}").status_code == 404


def test_the_fleet_is_shown_with_what_it_is_at(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    page.get_by_role("link", name="Fleet", exact=True).click()
    expect(page.locator(".worker")).to_have_count(2)
    expect(page.locator(".worker").first).to_contain_text("CPU")
    expect(page.locator(".worker").first).to_contain_text("pages/s")
    expect(page.locator("tbody tr")).to_contain_text("CPU")


def test_everything_works_by_keyboard(page: Page, desk: Desk, letter: dict[str, Any]) -> None:
    row = page.locator(".row", has_text="letter.pdf")
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".paper img")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Page number")).to_have_value("2")
    second = texts(desk, letter["id"], 2)
    expect(page.locator(".words").first).to_have_text(second[0])
    page.locator(".text-lines li").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".text-lines li").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_contain_text(second[1])
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search the document")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    browser: Browser, desk: Desk, letter: dict[str, Any], damaged: dict[str, Any], theme: str, tmp_path: Path
) -> None:
    folder = pictures_to(tmp_path)
    with opened(browser, desk.url, color_scheme=theme) as page:
        expect(page.locator(".row").first).to_be_visible()
        page.locator(".options summary").click()
        page.screenshot(path=folder / f"documents-{theme}.png")
        assert faults(page) == []
        page.get_by_role("link", name="Fleet", exact=True).click()
        expect(page.locator(".worker").first).to_be_visible()
        page.screenshot(path=folder / f"fleet-{theme}.png")
        assert faults(page) == []
        open_document(page, desk, letter["id"])
        page.locator(".mark").first.click()
        page.screenshot(path=folder / f"document-{theme}.png")
        assert faults(page) == []
        page.locator("summary", has_text="Download").click()
        assert faults(page) == []
        open_document(page, desk, damaged["id"])
        page.get_by_text("Which, and why").click()
        page.locator(".reasons a").click()
        page.screenshot(path=folder / f"failed-{theme}.png")
        assert faults(page) == []
        page.keyboard.press("?")
        assert faults(page) == []


def test_a_phone_shows_one_part_at_a_time(
    browser: Browser, desk: Desk, letter: dict[str, Any], tmp_path: Path
) -> None:
    folder = pictures_to(tmp_path)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with opened(browser, desk.url, **PHONE) as page:
        expect(page.locator(".row").first).to_be_visible()
        page.screenshot(path=folder / "documents-phone.png")
        assert page.evaluate(overflow) == 0
        open_document(page, desk, letter["id"])
        page.screenshot(path=folder / "document-phone.png")
        assert page.evaluate(overflow) == 0
        assert not page.locator(".text-pane").is_visible()
        page.locator(".tabs button", has_text="Text").tap()
        expect(page.locator(".words").first).to_be_visible()
        page.screenshot(path=folder / "text-phone.png")
        page.locator(".tabs button", has_text="Pages").tap()
        expect(page.locator(".small-page").first).to_be_visible()
        assert faults(page) == []


def test_colours_are_remembered(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk.url, color_scheme="light") as page:
        page.get_by_role("button", name="Dark or light").click()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_outputs_that_are_chosen_are_asked_for(page: Page, desk: Desk) -> None:
    page.locator(".options summary").click()
    for box in page.locator("input[name=outputs]").all():
        box.uncheck()
    page.locator("input[name=pages]").fill("1")
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.get_by_label("Files").set_input_files(EXAMPLES / "letter.pdf")
    found = desk.http.get(f"/v1/documents/{json.loads(answered.value.text())['id']}").json()
    assert found["options"]["outputs"] == ["json"]
    assert found["options"]["pages"] == "1"
