"""The browser and the stack that tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from browser import Browser, Desk, Page, chromium, opened, running
from crew import write_pdf

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("page")) as started:
        yield started


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    with opened(browser, desk.url) as started:
        yield started


@pytest.fixture(scope="session")
def letter(desk: Desk) -> dict[str, Any]:
    """An example of two pages, read."""
    return desk.read(EXAMPLES / "letter.pdf")


@pytest.fixture(scope="session")
def damaged(desk: Desk) -> dict[str, Any]:
    """A document of three pages, read but for the second one, which is too large."""
    path = write_pdf(desk.folder / "damaged.pdf", 3)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[1].MediaBox = [0, 0, 200_000, 200_000]
        pdf.save(path)
    return desk.read(path)
