"""The README is true: its commands are run, in order, in a fresh folder, as a new user would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files a clone would have, with this environment in the place where `make` would put one."""
    environment = Path(sys.prefix)
    if not (environment / ".runtime").exists():
        pytest.skip(
            "the commands use the environment that `make setup` makes; these tests run in another one"
        )
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path / "pageline"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    # Older than the environment's stamps: `make` here must not install this copy into what everybody uses.
    for name in ("pyproject.toml", *(f"requirements/{lock}.txt" for lock in ("runtime", "test", "lint"))):
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(environment, target_is_directory=True)
    return folder


@pytest.mark.timeout(600)
def test_every_command_of_the_readme_works(checkout: Path) -> None:
    script = "set -eu\n" + "\n".join(f"{block}" for block in blocks("sh"))
    (checkout / "example.py").write_text(blocks("python")[0], encoding="utf-8")
    script += "\n.venv/bin/python example.py\n"
    with (checkout / "log.txt").open("w") as log:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=checkout,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=580,
        )
    output = (checkout / "log.txt").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, output[-6000:]
    assert sorted(path.name for path in (checkout / "out").iterdir()) == sorted(
        path.name for path in (ROOT / "examples").iterdir() if path.suffix in {".pdf", ".png", ".jpg"}
    )
    assert {path.name for path in (checkout / "mine").iterdir()} == {"letter.pdf", "receipt.jpg"}
    (readable,) = (checkout / "readable" / "letter.pdf").glob("*/document.pdf")
    assert {path.suffix for path in readable.parent.glob("document.*")} == {
        *(".txt", ".md", ".pdf", ".html", ".xml", ".json")
    }
    assert (checkout / "ocr-out" / "receipt_res.json").is_file()
    assert (checkout / "ocr-out" / "receipt_ocr_res_img.jpg").is_file()
    assert list((checkout / "desk" / "results" / "letter.pdf").glob("*/request.json"))


def test_every_page_the_readme_links_to_is_there() -> None:
    missing = [
        link
        for link in re.findall(r"\]\(([^)#]+)\)", README)
        if "://" not in link and not (ROOT / link).exists()
    ]
    assert missing == []
