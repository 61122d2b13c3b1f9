"""`pageline ocr --text_layer`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from command_line import pageline
from pdfs import LETTER, letter, text_pdf


def _read(folder: Path, *arguments: str) -> dict[str, Any]:
    (folder / "letter.pdf").write_bytes(text_pdf(letter()))
    done = pageline(folder, "ocr", "--engine", "fake", "--input", "letter.pdf", *arguments)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)["res"])


def test_the_flag_arrives_and_ignoring_is_the_default(tmp_path: Path) -> None:
    trusted = _read(tmp_path, "--text_layer", "trust")
    assert trusted["rec_texts"] == list(LETTER)
    assert _read(tmp_path)["text_layer"]["mode"] == "ignore"


def test_a_configuration_may_say_so_too(tmp_path: Path) -> None:
    config = pageline(tmp_path, "ocr", "--get_pipeline_config", "OCR").stdout
    said = config.replace(
        "    return_word_box: False\n", "    return_word_box: False\n    text_layer: trust\n"
    )
    assert said != config
    (tmp_path / "mine.yaml").write_text(said)
    assert _read(tmp_path, "--pipeline", "mine.yaml")["rec_texts"] == list(LETTER)
