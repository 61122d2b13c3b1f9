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


def simulated(part: str, megapixels: int, *, seeds: int = 1, hashes: str = "random") -> list[dict[str, Any]]:
    size = ["--seeds", str(seeds), "--megapixels", str(megapixels)]
    found = subprocess.run(
        [sys.executable, str(SIMULATION), part, *size, "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hashes},
    )
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.fixture(scope="module")
def drains() -> dict[str, dict[str, Any]]:
    """3 GPUs and 64 cores with mixed documents that are all there at the start, by routing."""
    rows = simulated("drain", 60_000, seeds=4)  # in one, a single page may be what all wait for
    return {row["routing"]: row for row in rows if row["case"] == rows[0]["case"]}


def test_the_same_draw_gives_the_same_figures() -> None:
    assert simulated("drain", 2_000, hashes="1") == simulated("drain", 2_000, hashes="2")


def test_the_fleet_drains_close_to_the_least_possible_time(drains: dict[str, dict[str, Any]]) -> None:
    assert drains["pageline"]["seconds"] <= 1.1 * drains["pageline"]["bound"]


def test_it_drains_much_sooner_than_in_turns(drains: dict[str, dict[str, Any]]) -> None:
    assert drains["round-robin of kinds"]["times pageline"] >= 1.3
    assert drains["round-robin"]["times pageline"] >= 1.3
    assert drains["static"]["times pageline"] >= 1


def test_a_gpu_that_vanishes_costs_less_than_15_seconds() -> None:
    costs = {row["fault"]: row["at most"] for row in simulated("faults", 60_000)}
    assert costs["one of three GPUs vanishes"] < 15
    assert costs["all three GPUs vanish"] < 25
    assert costs["one GPU becomes 20 times slower"] < 25
