"""`pageline show` of documents that were read by real tasks, and of one that nobody knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crew import site, write_pdf

from worker.cli.showing import _size
from worker.stack.valkey import ValkeyHandle


def show(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "show", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment, "COLUMNS": "120"},
    )


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> tuple[dict[str, str], Any]:
    """A site's environment, and a document of three pages there, whose second one could not be read."""
    import pikepdf  # noqa: PLC0415 - for this document alone

    folder = tmp_path_factory.mktemp("show")
    with site(folder, valkey.broker_url, f"{folder.name}:") as made:
        path = write_pdf(made.inbox / "a [b].pdf", 3)
        with pikepdf.open(path, allow_overwriting_input=True) as pdf:
            pdf.pages[1].MediaBox = [0, 0, 200_000, 200_000]
            pdf.save(path)
        made.start("control")
        made.start("cpu")
        made.announce(path.name)
        (document,) = made.ended()
        return made.settings.environment(), document


def test_a_document_is_shown_with_pages_reasons_files_and_text(read: Any) -> None:
    environment, document = read
    shown = show(environment, document.id)
    assert shown.returncode == 0, shown.stderr
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert lines[0].endswith("a [b].pdf")
    assert "pages      3 (1 failed)" in lines
    assert any(line.startswith("state      partial: ") for line in lines)
    assert "■✕■" in lines
    assert any(line.startswith("page 2: ") and "too large" in line for line in lines)
    assert any(line.startswith("document.txt ") for line in lines)
    told = json.loads(show(environment, document.id, "--json").stdout)
    assert told["page_states"] == ["done", "failed", "done"]
    assert told["page"] == 1
    assert any(line.startswith(told["lines"][0]["text"]) for line in lines)


def test_all_lines_of_a_page_are_shown(read: Any) -> None:
    environment, document = read
    told = json.loads(show(environment, document.id, "--page", "3", "--json").stdout)["lines"]
    shown = show(environment, document.id, "--page", "3").stdout.splitlines()
    assert len(shown) == len(told) > 0
    for line, known in zip(shown, told, strict=True):
        assert line.startswith(known["text"])
        assert (" sure" in line) == (known["score"] < 0.9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--page", "2"), "page 2 has no text, it is failed: "),
        (("--page", "9"), "there is no page 9: the document has 3"),
    ],
)
def test_a_page_without_text_is_told_of(read: Any, arguments: tuple[str, ...], sentence: str) -> None:
    environment, document = read
    shown = show(environment, document.id, *arguments)
    assert shown.returncode == 1
    assert shown.stderr.startswith(f"pageline: {sentence}")


def test_a_document_nobody_knows_is_an_error(read: Any) -> None:
    shown = show(read[0], "nonsense")
    assert shown.returncode == 1
    assert shown.stderr.startswith("pageline: no document nonsense is known here")


@pytest.mark.parametrize(("size", "words"), [(7, "7 bytes"), (1234, "1.2 kB"), (5_600_000, "5.6 MB")])
def test_sizes_in_words(size: int, words: str) -> None:
    assert _size(size) == words


def test_help_names_the_command(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "Show a document" in shown.stdout
