"""Readable documents for users of the library, and which there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sheets import FAILED, line, sheet

from pipelines import create_pipeline
from pipelines.errors import OptionError
from pipelines.write import WRITERS, write_document
from pipelines.write.registry import formats_of, media_type_of


def test_results_become_documents_by_the_endings_of_their_names(tmp_path: Path) -> None:
    page = np.full((300, 400, 3), 255, dtype=np.uint8)
    page[100:140, 50:350] = 0
    results = create_pipeline("OCR", engine="fake").predict([page, page], return_word_box=True)
    names = ["a.txt", "a.md", "a.csv", "a.jsonl", "a.hocr.html", "a.hocr", "a.alto.xml"]
    paths = write_document(results, *(tmp_path / name for name in names), name="a scan", pages=2)
    assert [path.name for path in paths] == names
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    word = json.loads(texts["a.jsonl"].splitlines()[0])["text"].split()[0]
    assert all(word in text for text in texts.values())
    assert "<title>a scan</title>" in texts["a.hocr.html"] == texts["a.hocr"]
    assert texts["a.txt"].count("\f") == 1


def test_stored_pages_become_documents_too(tmp_path: Path) -> None:
    write_document([sheet(line("One", 0)), {"res": sheet(line("Two", 0))}, FAILED], tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text().startswith("One\n\fTwo\n\f[Page 3 could not be read: ")


def test_an_ending_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"'a\.docx'.*\.html.*\.md.*\.txt"):
        write_document([], tmp_path / "a.docx")
    assert not (tmp_path / "a.docx").exists()


def test_every_format_has_a_file_of_its_own_and_a_media_type() -> None:
    files = [each.file for each in WRITERS.values()]
    assert len(set(files)) == len(files)
    assert all(media_type_of(file) for file in files)
    assert media_type_of("request.json") is None
    assert [each.name for each in formats_of(["alto", "json", "txt"])] == ["txt", "alto"]


def test_the_names_of_formats_cost_no_heavy_import() -> None:
    code = (
        "import sys, pipelines.write as w; w.WRITERS; print({'numpy', 'cv2', 'pikepdf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
