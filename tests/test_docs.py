"""Pages made from the code are those the code makes now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_settings_is_the_one_the_settings_make() -> None:
    made = subprocess.run(
        [sys.executable, "docs/make_settings.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert made == written, "run: python docs/make_settings.py > docs/settings.md"
