"""`--device gpu:0,1`: two workers under one that watches, on devices that come and go."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import Site, site, wait_for, write_pdf

from infra.status.states import DocumentState
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def place(tmp_path: Path, valkey: ValkeyHandle) -> Iterator[Site]:
    """A site whose documents are read by the double."""
    cold = {"gpu": {"seconds": 1, "megapixels_per_second": 100}}
    with site(
        tmp_path, valkey.broker_url, f"{tmp_path.name}:", pipeline={"engine": "double"}, cold_kinds=cold
    ) as made:
        yield made


def start(place: Site, **cards: dict[str, Any]) -> subprocess.Popen[bytes]:
    made = {name.replace("_", ":"): card for name, card in cards.items()}
    return place.start("gpu:0,1", program="double_worker.py", DOUBLE=made)


def pids(place: Site) -> dict[str, int]:
    return {beat.device: beat.pid for beat in place.store.fleet.workers()}


def test_a_device_that_is_lost_and_comes_back_gets_its_worker_again(place: Site, tmp_path: Path) -> None:
    gone, lose = tmp_path / "gone", tmp_path / "lose"
    place.start("control")
    process = start(place, gpu_0={}, gpu_1={"lose_once": str(lose), "gone": str(gone)})
    place.ready(control=1, gpu=2)
    before = pids(place)
    gone.touch()
    lose.touch()
    place.announce(write_pdf(place.inbox / "letter.pdf", 40).name)
    wait_for(
        lambda: "no worker for gpu:1 can run here" in place.logs(), "the end of the lost device's worker"
    )
    assert place.ended()[0].state is DocumentState.SUCCEEDED
    gone.unlink()
    wait_for(lambda: pids(place).get("gpu:1", before["gpu:1"]) != before["gpu:1"], "another worker for it")
    place.ready(control=1, gpu=2)
    assert pids(place)["gpu:0"] == before["gpu:0"], "the one beside it was left alone"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_a_worker_that_is_killed_is_started_again(place: Site) -> None:
    process = start(place, gpu_0={}, gpu_1={})
    beats = {beat.device: beat for beat in place.ready(gpu=2)}
    os.kill(int(beats["gpu:1"].name.rpartition(".")[2]), signal.SIGKILL)
    wait_for(
        lambda: any(
            beat.device == "gpu:1" and beat.name != beats["gpu:1"].name and beat.state == "idle"
            for beat in place.store.fleet.workers()
        ),
        "another worker for it",
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_with_no_device_left_the_platform_is_told(place: Site) -> None:
    process = start(place, gpu_0={"present": False}, gpu_1={"present": False})
    assert process.wait(60) == 1
    assert "no worker for gpu:0 and gpu:1 is left" in place.logs()
