"""Feeds the parsers of storage events what nobody would send: `python tests/fuzz/fuzz_events.py [SECONDS]`.

With `atheris` installed, its fuzzer searches by coverage; without it, Hypothesis makes up JSON, and says so.
Anything but events or `InvalidEvent` ends the run with a traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "infra" / "events"))
sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import fuzz, instrumented

with instrumented("infra.events"):
    from test_event_properties import JSON, checked

if __name__ == "__main__":
    fuzz(checked, checked, JSON)
