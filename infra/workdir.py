"""Where this host's scratch space is unless the settings say otherwise; for probes without those."""

from __future__ import annotations

import os
from pathlib import Path


def default_work_dir() -> Path:
    """Return the folder below the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "pageline" / "work"
