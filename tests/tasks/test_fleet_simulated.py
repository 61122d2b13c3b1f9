"""The router in a simulated fleet: how far from the least possible time, and what faults cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SIMULATION = Path(__file__).parents[2] / "benchmarks" / "fleet_sim"


def simulated(part: str, *options: object, hashes: str = "random") -> list[dict[str, Any]]:
    found = subprocess.run(
        [sys.executable, str(SIMULATION), part, *map(str, options), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hashes},
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.fixture(scope="module")
def drains() -> dict[str, dict[str, Any]]:
    """3 GPUs and 64 cores with mixed documents that are all there at the start, by routing."""
    rows = simulated(
        "drain", "--megapixels", 60_000, "--seeds", 4
    )  # in one, a single page may be what all wait for
    return {row["routing"]: row for row in rows if row["case"] == rows[0]["case"]}


def test_the_same_draw_gives_the_same_figures() -> None:
    small = ("--megapixels", 2_000, "--seeds", 1)
    assert simulated("drain", *small, hashes="1") == simulated("drain", *small, hashes="2")


def test_the_fleet_drains_close_to_the_least_possible_time(drains: dict[str, dict[str, Any]]) -> None:
    assert drains["pageline"]["seconds"] <= 1.1 * drains["pageline"]["bound"]


def test_it_drains_much_sooner_than_in_turns(drains: dict[str, dict[str, Any]]) -> None:
    assert drains["round-robin of kinds"]["times pageline"] >= 1.3
    assert drains["round-robin"]["times pageline"] >= 1.3
    assert drains["static"]["times pageline"] >= 1


def test_a_gpu_that_vanishes_costs_less_than_15_seconds() -> None:
    costs = {
        row["fault"]: row["at most"] for row in simulated("faults", "--megapixels", 60_000, "--seeds", 1)
    }
    assert costs["one of three GPUs vanishes"] < 15
    assert costs["all three GPUs vanish"] < 25
    assert costs["one GPU becomes 20 times slower"] < 25


def test_no_document_waits_longest_for_the_device_that_it_wishes_for() -> None:
    """The busiest half an hour of a day: much comes at once, and GPUs get much that wishes for nothing."""
    rows = {row["routing"]: row for row in simulated("day", "--hours", 12, 12.5)}
    assert rows["pageline"]["p99 s"] <= 1.1 * rows["static"]["p99 s"]
    assert rows["pageline"]["GPU wished, p99 s"] <= rows["pageline"]["p99 s"]
