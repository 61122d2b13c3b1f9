"""The examples are what their script makes, and are read as written."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from services import absent

from pipelines import create_pipeline
from pipelines.errors import WeightsError
from pipelines.read import iter_inputs, probe

FOLDER = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_examples", FOLDER / "make_examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, str(FOLDER / "make_examples.py"), str(folder)], check=True)
    return folder


@pytest.mark.parametrize("name", ["receipt.jpg", "letter.pdf", "notice-zh.png", "sideways.png"])
def test_the_script_makes_the_documents_that_are_there(made: Path, name: str) -> None:
    ours, again = (list(iter_inputs(folder / name)) for folder in (FOLDER, made))
    assert len(ours) == len(again) == (2 if name.endswith("pdf") else 1)
    for one, other in zip(ours, again, strict=True):
        assert one.image.shape == other.image.shape
        assert np.abs(one.image.astype(int) - other.image).mean() < 2


def test_the_documents_are_small_and_what_they_are_called(script: ModuleType) -> None:
    assert set(script.EXPECTED) == {
        path.name for path in FOLDER.iterdir() if path.suffix in (".jpg", ".pdf", ".png")
    }
    for name in script.EXPECTED:
        assert (FOLDER / name).stat().st_size < 200_000
    assert probe(FOLDER / "sideways.png").pages[0].height > probe(FOLDER / "sideways.png").pages[0].width


def test_the_receipt_adds_up(script: ModuleType) -> None:
    amounts = [text.partition("|")[2] for _, text in script.RECEIPT]
    prices = [float(amount) for amount in amounts if amount.replace(".", "").isdigit()]
    *items, subtotal, tax, total, paid = prices
    assert sum(items) == pytest.approx(subtotal)
    assert subtotal + tax == pytest.approx(total) == paid


@pytest.fixture(scope="module")
def pipeline() -> Any:
    try:
        return create_pipeline("OCR", device="cpu")
    except WeightsError as error:
        absent(f"the weights cannot be had: {error}")


@pytest.mark.parametrize("name", ["receipt.jpg", "letter.pdf", "notice-zh.png", "sideways.png"])
def test_the_documents_are_read_as_written(script: ModuleType, pipeline: Any, name: str) -> None:
    results = pipeline.predict(str(FOLDER / name))
    lines = [line for result in results for line in result.json["res"]["rec_texts"]]
    text = "".join("".join(lines).split())
    for words in script.EXPECTED[name]:
        assert "".join(words.split()) in text
