"""What every test may ask for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages; `services` is found so
pytest_plugins = ["services"]

_BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """The folder of real documents with their truth (`images/ pdfs/ hostile/ TRUTH.jsonl MANIFEST.json`)."""
    folder = Path(os.environ.get("PAGELINE_TEST_DATA", _BESIDE)) / "dev"
    if not folder.is_dir():
        pytest.skip(f"the folder of real documents is not there ({folder}); PAGELINE_TEST_DATA names another")
    return folder
