"""Processes die while real workers read; what is lost, what is read twice, and how documents end."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import Site, site, states, wait_for, write_pdf

from infra.status.states import DocumentState
from worker.stack.valkey import ValkeyHandle, start_valkey


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    """A site with a control worker."""
    limits = {"page_seconds": 2}
    with site(tmp_path_factory.mktemp("deaths"), valkey.broker_url, "deaths:", queue=limits) as made:
        made.start("control")
        yield made


@pytest.fixture
def quiet(controlled: Site, tmp_path: Path) -> Iterator[Site]:
    """The site without documents, and without workers that read once the test is over."""
    for key in controlled.store.client.scan_iter("deaths:doc*"):
        controlled.store.client.delete(key)
    (tmp_path / "log").mkdir()
    (tmp_path / "gate").mkdir()
    yield controlled
    controlled.stop("cpu")


def reads(folder: Path) -> Counter[int]:
    """How often each page was read."""
    return Counter(int(path.name.split("-")[1]) for path in (folder / "log").iterdir())


def in_hand(gate: Path) -> tuple[int, int]:
    """Wait for a page in hand; its number and the process that has it."""

    def look() -> tuple[int, int] | None:
        found = [re.fullmatch(r"page-(\d+)-(\d+)", path.name) for path in gate.iterdir()]
        return next(((int(match[1]), int(match[2])) for match in found if match is not None), None)

    page, pid = wait_for(look, "a page in hand")
    return page, pid


def start(site: Site, folder: Path, **faults: Any) -> Any:
    process = site.start("cpu", log=str(folder / "log"), **faults)
    site.ready(control=1, cpu=1)
    return process


def test_pages_that_kill_or_fail_each_time_are_failed_and_the_rest_is_whole(
    quiet: Site, tmp_path: Path
) -> None:
    start(quiet, tmp_path, kill=[2], hang_once=[5], fail=[8])
    write_pdf(quiet.inbox / "poison.pdf", 9)
    quiet.announce("poison.pdf")
    write_pdf(quiet.inbox / "sound.pdf", 1)
    quiet.announce("sound.pdf")
    poison, sound = quiet.ended(2)
    assert (poison.state, poison.failed, poison.done) == (DocumentState.PARTIAL, 2, 7)
    assert sound.state is DocumentState.SUCCEEDED
    manifest = quiet.manifest(poison)
    assert states(manifest) == ["done", "failed", *["done"] * 5, "failed", "done"]
    reasons = {page["number"]: page["reason"] for page in manifest["pages"] if page["reason"]}
    assert reasons == {
        2: "Reading the page ended its process each time it was tried.",
        8: "Reading the page failed each time it was tried (ZeroDivisionError).",
    }
    assert manifest["reason"] == "2 pages of 9 could not be read."
    read = reads(tmp_path)
    assert {page: read[page] for page in (2, 5, 8)} == {2: 3, 5: 2, 8: 3}
    assert "took longer than 2 s: its process ends" in quiet.logs()


def test_a_page_that_hangs_each_time_is_failed_and_the_rest_is_whole(quiet: Site, tmp_path: Path) -> None:
    start(quiet, tmp_path, hang=[2])
    write_pdf(quiet.inbox / "hangs.pdf", 3)
    quiet.announce("hangs.pdf")
    (document,) = quiet.ended()
    assert (document.state, document.failed, document.done) == (DocumentState.PARTIAL, 1, 2)
    assert states(quiet.manifest(document)) == ["done", "failed", "done"]
    assert reads(tmp_path) == Counter({1: 1, 2: 3, 3: 1})


def test_a_child_killed_with_a_page_in_hand_costs_that_reading_only(quiet: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    start(quiet, tmp_path, gate=str(gate))
    write_pdf(quiet.inbox / "child.pdf", 5)
    quiet.announce("child.pdf")
    page, pid = in_hand(gate)
    os.kill(pid, signal.SIGKILL)
    (gate / "open").touch()
    (document,) = quiet.ended()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 5)
    assert reads(tmp_path) == Counter({page: 2} | {other: 1 for other in range(1, 6) if other != page})


def test_a_worker_killed_whole_loses_nothing_to_another(quiet: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = start(quiet, tmp_path, gate=str(gate))
    write_pdf(quiet.inbox / "worker.pdf", 5)
    quiet.announce("worker.pdf")
    in_hand(gate)
    process.kill()
    process.wait()
    quiet.start("cpu", log=str(tmp_path / "log"))
    (document,) = quiet.ended()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 5)
    assert sum(reads(tmp_path).values()) == 6


def test_sigterm_loses_nothing_and_repeats_nothing(quiet: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = start(quiet, tmp_path, gate=str(gate))
    write_pdf(quiet.inbox / "term.pdf", 6)
    quiet.announce("term.pdf")
    page, _ = in_hand(gate)
    process.terminate()
    wait_for(lambda: list((quiet.settings.work_dir / "workers").glob("*/drain")), "the drain flag")
    (gate / "open").touch()
    assert process.wait(30) == 0
    before = reads(tmp_path)
    assert before[page] == 1
    assert sum(before.values()) < 6  # the rest was handed back
    quiet.start("cpu", log=str(tmp_path / "log"))
    (document,) = quiet.ended()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 6)
    assert reads(tmp_path) == Counter(dict.fromkeys(range(1, 7), 1))


def test_pages_that_wait_to_be_written_are_not_charged_for_a_death(quiet: Site, tmp_path: Path) -> None:
    start(quiet, tmp_path, hang_write=[1])
    write_pdf(quiet.inbox / "written.pdf", 3)
    quiet.announce("written.pdf")

    def charged() -> bool:
        found = [document.id for document in quiet.documents() if document.source.endswith("written.pdf")]
        return bool(found) and quiet.store.client.get(f"deaths:doc:{found[0]}:attempts") == "100"

    wait_for(lambda: reads(tmp_path)[3] and charged(), "pages 2 and 3 behind the first")
    os.kill(quiet.child_pid(), signal.SIGKILL)
    (document,) = quiet.ended()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 3)
    files = [quiet.results(document) / "pages" / f"{number:05d}.json" for number in (1, 2, 3)]
    modes = [json.loads(path.read_bytes())["mode"] for path in files]
    assert modes == ["alone", "normal", "normal"]


def test_a_second_signal_does_not_wait_and_loses_nothing(quiet: Site, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = start(quiet, tmp_path, gate=str(gate))
    write_pdf(quiet.inbox / "twice.pdf", 6)
    quiet.announce("twice.pdf")
    page, _ = in_hand(gate)
    process.terminate()
    wait_for(lambda: list((quiet.settings.work_dir / "workers").glob("*/drain")), "the drain flag")
    process.terminate()
    process.wait(30)  # the gate is shut: nobody waits for the page
    quiet.start("cpu", log=str(tmp_path / "log"))
    (document,) = quiet.ended()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 6)
    assert reads(tmp_path) == Counter({page: 2} | {other: 1 for other in range(1, 7) if other != page})


def took_again(site: Site, killed: float) -> bool:
    """Whether the time after a pause, in which no lease is taken, is over."""
    calm, pauses = site.store.client.hmget(f"{site.settings.key_prefix}swept", ["calm", "pauses"])
    return float(calm or 0) > killed and pauses == "0"


def test_nobody_is_taken_for_dead_after_redis_was_away_for_longer_than_a_lease(tmp_path: Path) -> None:
    gate, data = tmp_path / "gate", tmp_path / "valkey"
    gate.mkdir()
    (tmp_path / "log").mkdir()
    with start_valkey(data) as server, site(tmp_path, server.broker_url, "away:") as made:
        made.start("control")
        for _ in range(2):
            made.start("cpu", log=str(tmp_path / "log"), gate=str(gate))
        made.ready(control=1, cpu=2)
        made.store.client.config_set("appendfsync", "always")
        write_pdf(made.inbox / "held.pdf", 1)
        made.announce("held.pdf")
        in_hand(gate)
        killed = time.time()
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
        time.sleep(made.settings.queue.lease_seconds + 1)  # nothing but time makes a lease run out
        with start_valkey(data):
            wait_for(lambda: took_again(made, killed), "a sweep that takes leases again")
            (gate / "open").touch()
            (document,) = made.ended()
            made.stop()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 1)
    assert reads(tmp_path) == Counter({1: 1})
    assert "this process was taken for dead" not in made.logs()
