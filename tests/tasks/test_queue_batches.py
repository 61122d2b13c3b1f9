"""Real workers on devices that are not there: many documents at once, full memory, lost devices, two."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crew import Site, site, states, wait_for
from PIL import Image, ImageDraw

from infra.status import Activity
from infra.status.states import DocumentState
from pipelines.engines.batching import PAGE_PIXELS
from worker.stack.valkey import ValkeyHandle

_SIZE = (480, 320)  # enters detection as it is
_POISONED = 7


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    """A site with a control worker, whose documents are read by the double."""
    folder = tmp_path_factory.mktemp("batches")
    pipeline = {"engine": "double", "engine_config": {"batch": 2}}
    with site(folder, valkey.broker_url, "batches:", pipeline=pipeline, cold_kinds=COLD) as made:
        start(made, "control")
        yield made


COLD = {"gpu": {"seconds": 1, "megapixels_per_second": 100}}  # so that nothing is sent to a CPU nobody has


@pytest.fixture
def quiet(controlled: Site) -> Iterator[Site]:
    for key in controlled.store.client.scan_iter("batches:doc*"):
        controlled.store.client.delete(key)
    yield controlled
    controlled.stop("gpu:0", "gpu:0,1")


def start(site: Site, device: str, **cards: dict[str, Any]) -> subprocess.Popen[bytes]:
    made = {name.replace("_", ":"): card for name, card in cards.items()} or {"gpu:0": {}}
    return site.start(device, program="double_worker.py", DOUBLE=made)


def upload(site: Site, name: str, *, poisoned: bool = False) -> None:
    page = Image.new("RGB", _SIZE, "white")
    for line in range(4):
        ImageDraw.Draw(page).text((20, 30 + 60 * line), f"{name} line {line}", fill="black", font_size=28)
    if poisoned:
        page.putpixel((0, 0), (_POISONED,) * 3)
    page.save(site.inbox / f"{name}.png")
    site.announce(f"{name}.png")


def test_pages_of_many_documents_share_a_device_and_one_that_breaks_its_batch_fails_alone(
    quiet: Site, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    poison = (_POISONED / 255 - 0.485) / 0.229  # as detection sees that pixel
    room = PAGE_PIXELS  # for one page, where two are asked for
    start(quiet, "gpu:0", gpu_0={"gate": str(gate), "poison": float(np.float32(poison)), "room": room})
    (beat,) = [beat for beat in quiet.ready(control=1, gpu=1) if beat.kind == "gpu"]
    assert (beat.batch, beat.halved) == (1, 1)
    gate.touch()
    names = [f"{quiet.folder.name}-{number}" for number in range(10)]
    for number, name in enumerate(names):
        upload(quiet, name, poisoned=number == 4)
    wait_for(lambda: len(reading(quiet)) >= 3, "three documents in hand at once")
    gate.unlink()
    ended = quiet.ended(len(names))
    assert [document.state for document in ended] == [
        DocumentState.FAILED if number == 4 else DocumentState.SUCCEEDED for number in range(10)
    ]
    (page,) = quiet.manifest(ended[4])["pages"]
    assert "each time it was tried (EngineError)" in page["reason"]
    assert not quiet.store.client.zrange("batches:leases", 0, -1)


def reading(site: Site) -> set[str]:
    """The documents of which pages are being read now."""
    return {
        doing.document
        for beat in site.store.fleet.workers()
        for doing in beat.doing
        if doing.activity is Activity.READING
    }


def test_a_lost_device_ends_its_process_and_no_page_is_lost(quiet: Site, tmp_path: Path) -> None:
    gate, lose = tmp_path / "gate", tmp_path / "lose"
    start(quiet, "gpu:0", gpu_0={"gate": str(gate), "lose_once": str(lose)})
    quiet.ready(control=1, gpu=1)
    first = quiet.child_pid("gpu:0")
    gate.touch()
    for number in range(5):
        upload(quiet, f"lost-{number}")
    wait_for(lambda: reading(quiet), "a page in hand")
    lose.touch()
    gate.unlink()
    ended = quiet.ended(5)
    assert {document.state for document in ended} == {DocumentState.SUCCEEDED}
    assert all(states(quiet.manifest(document)) == ["done"] for document in ended)
    (beat,) = [beat for beat in quiet.store.fleet.workers() if beat.kind == "gpu"]
    assert beat.pid != first
    assert "unspecified launch failure" in (beat.replaced or "")


def test_two_devices_are_two_processes_and_one_that_is_gone_leaves_the_other(quiet: Site) -> None:
    process = start(quiet, "gpu:0,1", gpu_0={}, gpu_1={})
    beats = {beat.device: beat for beat in quiet.ready(control=1, gpu=2) if beat.kind == "gpu"}
    assert set(beats) == {"gpu:0", "gpu:1"}
    assert beats["gpu:0"].pid != beats["gpu:1"].pid
    upload(quiet, "two")
    assert quiet.ended()[0].state is DocumentState.SUCCEEDED
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert {beat.kind for beat in quiet.store.fleet.workers()} == {"control"}


def test_a_device_that_is_not_there_ends_its_worker_alone(quiet: Site) -> None:
    process = start(quiet, "gpu:0,1", gpu_0={}, gpu_1={"present": False})
    wait_for(lambda: "finds no such device" in quiet.logs(), "the sentence of the worker without a device")
    quiet.ready(control=1, gpu=1)
    upload(quiet, "one")
    assert quiet.ended()[0].state is DocumentState.SUCCEEDED
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 1
