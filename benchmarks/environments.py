"""Environments of their own for the systems that a benchmark compares with."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from pipelines.models import default_cache_dir

HOME = default_cache_dir().parent / "benchmarks"


def python_of(name: str, requirements: Sequence[str], home: Path = HOME) -> Path:
    """The Python of the environment `name`, made and filled with `requirements` when it is not there."""
    folder = home / "venvs" / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = folder / "complete"
    if not done.exists():
        print(f"installing {' '.join(requirements)} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True)
        done.touch()
    return python
