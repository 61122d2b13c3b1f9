"""A real browser for tests of the page, the stack it talks to, and a double for rare contents."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from command_line import command, environment
from crew import PATIENCE, wait_for
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from services import absent

NAMES = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=60_000)  # an event that must come, on a busy machine too
ENDED = {"succeeded", "partial", "failed", "rejected", "cancelled"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the system's packages, without a window."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        absent(f"no browser is installed: {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Desk:
    """A running `pageline up` with made up words, and a client of its service."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=60)

    def bring(self, path: Path, name: str | None = None, **options: str) -> str:
        """Upload a document; its id."""
        with path.open("rb") as file:
            answer = self.http.post("/v1/documents", files={"file": (name or path.name, file)}, data=options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def read(self, path: Path, name: str | None = None, **options: str) -> dict[str, Any]:
        """The same, and what is known of it once it has ended."""
        identity = self.bring(path, name, **options)

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.http.get(f"/v1/documents/{identity}").json()
            return found if found["state"] in ENDED else None

        return wait_for(look)

    def page(self, identity: str, number: int = 1) -> dict[str, Any]:
        """A page's stored JSON."""
        found: dict[str, Any] = self.http.get(f"/v1/documents/{identity}/pages/{number}").json()
        return found


@contextmanager
def running(folder: Path) -> Iterator[Desk]:
    """`pageline up` in `folder`/desk, for as long as the context is open."""
    address = folder / "desk/.pageline/http.url"
    log = folder / "up.log"
    with log.open("w") as output:
        up = subprocess.Popen(
            command("up", "--dir", "desk", "--engine", "fake", "--workers", "1"),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment(folder), "PAGELINE_HTTP__PORT": "0"},
        )
    try:
        wait_for(lambda: up.poll() is not None or address.exists())
        assert up.poll() is None, log.read_text()
        yield Desk(folder, address.read_text())
    finally:
        up.terminate()
        up.wait(PATIENCE)


@contextmanager
def opened(browser: Browser, url: str, **settings: Any) -> Iterator[Page]:
    """A page of a fresh profile; at its end, nothing was complained of and nobody else was asked."""
    settings = {"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **settings}
    context = browser.new_context(**settings)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url.rstrip("/"))
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(url)
    yield page
    context.close()
    assert not complaints, complaints
    assert {urlsplit(each).netloc for each in asked if not each.startswith("blob:")} == {urlsplit(url).netloc}


def document(identity: str, pages: int, /, **fields: Any) -> dict[str, Any]:
    """What the service would say of a document of so many pages, all of them read."""
    counts = {
        "total": pages,
        "done": pages,
        "failed": 0,
        "running": 0,
        "pending": 0,
        "cancelled": 0,
        "skipped": 0,
    }
    items = [
        {"number": number, "state": "done", "reason": None, "url": None, "image_url": None}
        for number in range(1, pages + 1)
    ]
    return {
        "id": identity, "name": "double.pdf", "source": "upload:double.pdf", "tenant": "default",
        "state": "succeeded", "reason": None, "created_at": 1.8e9, "updated_at": 1.8e9, "pages": counts,
        "outputs": [], "page_list": items, "options": {}, "pipeline": {}, "timings": {}, **fields,
    }  # fmt: skip


def result(lines: list[tuple[str, str, list[list[int]], float]], **fields: Any) -> dict[str, Any]:
    """A page's stored JSON: of each line its text, script, corners and score."""
    return {
        "state": "done",
        "rec_texts": [text for text, *_ in lines],
        "rec_scripts": [script for _, script, *_ in lines],
        "rec_polys": [corners for _, _, corners, _ in lines],
        "rec_scores": [score for *_, score in lines],
        "reading_order": list(range(len(lines))),
        "textline_orientation_angles": [0] * len(lines),
        "page": {"number": 1, "width": 800, "height": 1000, "transform": {"angle": 0}},
        **fields,
    }


def stand_in(page: Page, found: dict[str, Any], results: Any) -> None:
    """Answer in the service's place: one document, its pages by `results(number)`, white pictures."""
    picture = _white(800, 1000)

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.removeprefix(f"/v1/documents/{found['id']}").strip("/")
        parts = path.split("/")
        if path == "":
            route.fulfill(json=found)
        elif path == "lines":
            numbers = range(1, len(found["page_list"]) + 1)
            rows = [{"page": each, "lines": list(enumerate(results(each)["rec_texts"]))} for each in numbers]
            route.fulfill(body="".join(json.dumps(row) + "\n" for row in rows))
        elif parts[-1] == "image":
            route.fulfill(body=picture, content_type="image/png")
        else:
            route.fulfill(json=results(int(parts[1])))

    page.route(f"**/v1/documents/{found['id']}**", answer)
    page.route(f"**/v1/documents/{found['id']}/**", answer)


def _white(width: int, height: int) -> bytes:
    target = BytesIO()
    Image.new("L", (width, height), 255).save(target, "PNG")
    return target.getvalue()


def pictures_to(folder: Path) -> Path:
    """Where pictures of the page go: a folder that `PAGELINE_SCREENSHOTS` names, or one of the test's own."""
    chosen = Path(os.environ.get("PAGELINE_SCREENSHOTS", folder / "screenshots"))
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen
