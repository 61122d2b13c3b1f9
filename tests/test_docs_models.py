"""The page of models is the one the registry makes now, and says of each model what tests do with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.models import MODELS

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_models_is_the_one_the_registry_makes() -> None:
    made = subprocess.run(
        [sys.executable, "docs/make_models.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    written = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert made == written, "run: python docs/make_models.py > docs/models.md"
    for name in MODELS:
        assert written.count(f"| `{name}` |") == 1
