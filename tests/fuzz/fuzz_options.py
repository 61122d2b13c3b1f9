"""Feeds the parsers of options what nobody would write: `python tests/fuzz/fuzz_options.py [SECONDS]`.

With `atheris` installed, its fuzzer searches by coverage; without it, Hypothesis makes up values, and says
so. Anything but options or sentences ends the run with a traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))
sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import fuzz, instrumented

with instrumented("tasks.options", "tasks.layers", "infra.notify.targets", "pipelines.read.page_range"):
    from test_option_properties import SAID, checked, metadata_of


def by_bytes(data: bytes) -> None:
    """The first part is a sidecar; those behind it are names of metadata, and what they say."""
    sidecar, *parts = data.split(b"\0")
    texts = [part.decode("utf-8", "surrogateescape") for part in parts]
    checked(sidecar, metadata_of(dict(zip(texts[::2], texts[1::2], strict=False))), {})


def by_value(said: dict[str, Any]) -> None:
    """What a caller says."""
    checked(b"{}", {}, said)


if __name__ == "__main__":
    fuzz(by_bytes, by_value, SAID)
