"""The short form of `make chaos`: processes, the queue's server and the storage die, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from services import require

from worker.stack.valkey import valkey_binary

CHAOS = Path(__file__).parents[2] / "benchmarks" / "chaos.py"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run it with short leases, and patience that ends before the test's: it tells what is still open."""
    require(valkey_binary)
    return subprocess.run(
        [sys.executable, str(CHAOS), "--quick", "--patience", "100", *options],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def chaos(*options: str) -> dict[str, Any]:
    """Run it; what it says in the end."""
    found = run("--json", *options)
    assert found.stdout, found.stderr
    report: dict[str, Any] = json.loads(found.stdout)
    assert report["faults"] == [], (report, found.stderr)
    assert found.returncode == 0
    return report


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it finds the children to kill in /proc")
def test_chaos_loses_nothing() -> None:
    report = chaos("--documents", "30", "--seconds", "20", "--outage", "3", "--page-seconds", "0.02")
    assert report["pages"] == 330
    assert report["valkey restarts"] == 3
    assert report["storage outages"] == 1
    assert report["children killed"] > 0
    assert report["workers killed"] > 0


def test_sigterms_lose_nothing_and_repeat_nothing() -> None:
    report = chaos("--documents", "20", "--workers", "2", "--terms", "5")
    assert report["terms"] == 5
    assert report["readings"] == report["pages"] == 220


def test_several_seeds_have_a_verdict_each() -> None:
    found = run("--seeds", "3,5-5", "--documents", "2", "--workers", "1", "--seconds", "0", "--outage", "0")
    assert found.returncode == 0, found
    verdicts = found.stdout.splitlines()
    assert [verdict.partition(":")[0] for verdict in verdicts] == ["seed 3", "seed 5"]
    assert all("2 documents, 22 pages, 0 failed" in one and one.endswith(": whole") for one in verdicts)
