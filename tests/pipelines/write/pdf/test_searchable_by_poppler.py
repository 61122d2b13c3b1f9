"""What `pdftotext`, which is no Python package, finds in searchable PDFs: the same as PDFium does."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from searchable import SCRIPTS, SHOWN_PAGES, Kit
from services import absent

pytestmark = pytest.mark.system

_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\f]")
_SIZE = (400, 600)

Poppler = Callable[[Path], str]


@pytest.fixture(scope="session")
def poppler() -> Poppler:
    """The text of a PDF by `pdftotext`, less the marks that it puts around right-to-left text."""
    program = shutil.which("pdftotext")
    if program is None:
        absent("pdftotext is not installed: apt install poppler-utils")

    def text(path: Path) -> str:
        found = subprocess.run([program, path, "-"], capture_output=True, check=True).stdout.decode()
        lines = (_MARKS.sub("", line).strip() for line in found.splitlines())
        return "\n".join(line for line in lines if line)

    return text


@pytest.mark.parametrize(("entries", "size"), SHOWN_PAGES)
def test_words_are_found_however_the_page_is_shown(
    kit: Kit, poppler: Poppler, entries: dict[str, Any], size: tuple[int, int]
) -> None:
    page = kit.page([("Hello brave world", (40, 50, 180, 80))], size)

    assert poppler(kit.write(kit.scan(**entries), [page])) == "Hello brave world"


@pytest.mark.parametrize("text", SCRIPTS)
def test_any_script_is_read_back_in_logical_order(kit: Kit, poppler: Poppler, text: str) -> None:
    target = kit.write(kit.scan(), [kit.page([(text, (20, 50, 380, 80))], _SIZE)])

    assert poppler(target).replace(" ", "") == text.replace(" ", "")


def test_an_earlier_hidden_layer_is_replaced(kit: Kit, poppler: Poppler) -> None:
    source = kit.scan(content=b"BT /F 12 Tf 3 Tr 20 200 Td (old reading) Tj ET")
    assert poppler(source) == "old reading"

    assert poppler(kit.write(source, [kit.page([("new reading", (40, 180, 200, 210))], _SIZE)])) == (
        "new reading"
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_words_are_found_over_a_picture_however_it_was_held(
    kit: Kit, poppler: Poppler, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = kit.picture("photo.jpg", exif=exif)
    size = (200, 300) if orientation <= 4 else (300, 200)

    target = kit.write(source, [kit.page([("Hello world", (20, 70, 180, 100))], size, origin="picture")])

    assert poppler(target) == "Hello world"
