"""docs/outputs.md is true: its examples run, and its table is what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import pageline
from real_weights import real_files

from pipelines.write import WRITERS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one example in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "examples" / "letter.pdf", tmp_path)
    return tmp_path


def test_the_table_lists_every_output() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| `([^`]+)` \|", PAGE, flags=re.MULTILINE)
    assert rows == [(each.name, each.file, each.media_type) for each in WRITERS.values()]


def test_the_command_makes_what_it_names(folder: Path) -> None:
    command = block("sh").split()
    assert command.pop(0) == "pageline"
    done = pageline(folder, *command, "--engine", "fake", "--workers", "1")
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (folder / "pageline-results").glob("letter.pdf/*/*") if path.is_file()}
    named = re.findall(r"[\w/.-]+/(document\.[\w.]+)$", done.stdout, flags=re.MULTILINE)
    assert {"document.txt", "document.md", "document.hocr.html"} == made - {"request.json", "document.json"}
    assert set(named) == made - {"request.json"}
    refused = pageline(folder, "run", "letter.pdf", "--outputs", "markdown")
    assert refused.returncode == 2
    assert "there is no output 'markdown'" in refused.stderr


def test_the_library_makes_what_its_example_names(folder: Path) -> None:
    real_files("PP-OCRv6_small_rec")
    (folder / "example.py").write_text(block("python"), encoding="utf-8")
    subprocess.run([sys.executable, "example.py"], cwd=folder, check=True, capture_output=True, timeout=200)
    assert block("markdown") in (folder / "letter.md").read_text(encoding="utf-8")
    assert "<title>letter.pdf</title>" in (folder / "letter.hocr.html").read_text(encoding="utf-8")
    assert "<alto " in (folder / "letter.xml").read_text(encoding="utf-8")
