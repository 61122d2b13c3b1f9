"""How soon the page can be used, in Chromium before a stack of its own (`python benchmarks/page.py`).

First view: an empty profile opens `/`; it can be used when its button and the list of documents are there.
Then a document of 1,000 pages whose answers come from the browser's side, so that the page alone is measured.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from browser import Browser, Desk, Page, chromium, document, opened, result, running, stand_in  # noqa: E402

RUNS = 7
PAGES = 1000
LINES = 60
ID = "0" * 32
WATCH = """
new MutationObserver((_, watch) => {
  if (!document.querySelector(".drop button") || !document.querySelector(".row")) return;
  watch.disconnect();
  requestAnimationFrame(() => { window.usable = performance.now(); });
}).observe(document, { subtree: true, childList: true });
"""


def first_view(browser: Browser, desk: Desk) -> tuple[float, int, int]:
    """Milliseconds until the page can be used, bytes on the wire, requests."""
    page = browser.new_context().new_page()
    page.add_init_script(WATCH)
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(_wire(request.sizes())))
    page.goto(desk.url, wait_until="commit")
    page.locator(".drop button").first.wait_for()
    page.locator(".row").first.wait_for()
    ready = float(page.evaluate("window.usable"))
    page.wait_for_load_state("networkidle")
    page.context.close()
    return ready, sum(sizes), len(sizes)


def _wire(sizes: Any) -> int:
    return int(sizes["responseBodySize"] + sizes["responseHeadersSize"])


def long_document(browser: Browser, desk: Desk) -> tuple[float, float, float, int]:
    """Milliseconds to open it, to jump to its last page, to search all of it; elements on the page."""
    tops = range(15, 15 * (LINES + 1), 15)
    corners = [[[50, top], [600, top], [600, top + 12], [50, top + 12]] for top in tops]
    lines = [(f"Line {at} of a long page", "Latn", each, 0.97) for at, each in enumerate(corners, 1)]
    with opened(browser, desk.url) as page:
        stand_in(page, document(ID, PAGES), lambda _: result(lines))
        started = time.perf_counter()
        page.goto(f"{desk.url}#/documents/{ID}")
        page.wait_for_selector(".words")
        opening = time.perf_counter() - started
        started = time.perf_counter()
        page.get_by_label("Page number").fill(str(PAGES))
        page.keyboard.press("Enter")
        page.locator(".small-page[aria-current]").get_by_text(f"{PAGES:,}").wait_for()
        jumping = time.perf_counter() - started
        searching = _search(page)
        elements = int(page.evaluate("document.querySelectorAll('*').length"))
    return opening * 1000, jumping * 1000, searching * 1000, elements


def _search(page: Page) -> float:
    """Seconds of a search in texts that are there already."""
    field, hits = page.get_by_label("Search the document"), page.locator(".hits")
    field.fill("no such words")
    hits.get_by_text("Nothing").wait_for()
    started = time.perf_counter()
    field.fill("line 42 of")
    hits.get_by_text(f" of {PAGES:,}").wait_for()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, running(Path(folder)) as desk:
        desk.read(ROOT / "examples" / "letter.pdf")
        views = [first_view(browser, desk) for _ in range(RUNS)]
        long = [long_document(browser, desk) for _ in range(3)]
    ready = sorted(view[0] for view in views)
    opening, jumping, searching, elements = (median(each) for each in zip(*long, strict=True))
    print(f"first view, median of {RUNS}")
    print(f"  usable after   {median(ready):6.0f} ms ({ready[0]:.0f} to {ready[-1]:.0f})")
    print(f"  on the wire    {max(view[1] for view in views) / 1000:6.1f} kB in {views[0][2]} requests")
    print(f"{PAGES:,} pages of {LINES} lines, median of 3")
    print(f"  opened in      {opening:6.0f} ms")
    print(f"  last page in   {jumping:6.0f} ms")
    print(f"  searched in    {searching:6.0f} ms, 150 of them waiting for more letters")
    print(f"  elements       {elements:6.0f}")


if __name__ == "__main__":
    main()
