"""The short form of `benchmarks/events.py --kill`: bridges are killed, every document is there once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from services import require

from worker.stack.valkey import valkey_binary
from worker.stack.weed import weed_binary

EVENTS = Path(__file__).parents[2] / "benchmarks" / "events.py"
_PUTS = 100


@pytest.mark.parametrize("via", ["sqs", "seaweedfs"])
def test_a_bridge_that_is_killed_loses_nothing_and_doubles_nothing(via: str) -> None:
    require(valkey_binary, weed_binary)
    found = subprocess.run(
        [sys.executable, str(EVENTS), "--puts", str(_PUTS), "--via", via, "--kills", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert found.stdout, found.stderr
    report: dict[str, Any] = json.loads(found.stdout)[0]
    assert not report["wrong"], report
    assert report["documents"] == report["requests"] == _PUTS
    assert report["bridge killed"] == 2
