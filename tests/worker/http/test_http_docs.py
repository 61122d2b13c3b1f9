"""The examples of docs/http.md work, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from http_service import Service
from services import absent

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "http.md"


@pytest.mark.system
def test_the_examples_of_the_page_work(service: Service, letter: Path, tmp_path: Path) -> None:
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            absent(f"the examples need {program}: apt install {program}")
    blocks = re.findall(r"^```sh\n(.*?)^```$", _PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    first, *others = (f"echo '# {number}'\n{block}" for number, block in enumerate(blocks))
    assert "BASE=http://127.0.0.1:8080" in first
    script = "\n".join(["set -euo pipefail", f"BASE={service.url.rstrip('/')}", *others])
    shutil.copy(letter, tmp_path / "letter.pdf")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, sent, listed, elsewhere, uploaded, twice, ocr, refused, keys = re.split(r"# \d+\n", done.stdout)
    assert '"state": "succeeded"' in sent
    assert '"document.txt"' in sent
    assert "event: end" in (tmp_path / "events.txt").read_text()
    assert (tmp_path / "page.jpg").read_bytes().startswith(b"\xff\xd8")
    assert '"name": "letter.pdf"' in listed
    assert "none of the places" in elsewhere
    assert uploaded.strip() == '"big.pdf"'
    assert len(set(twice.split())) == 1
    assert ocr.strip().startswith("[")
    assert '"options.dpj"' in refused
    assert "the scanner" in keys
