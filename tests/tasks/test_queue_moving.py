"""A kind of device dies while documents wait for it: real workers, real messages."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from crew import site, states, wait_for, write_pdf

from infra.status.states import DocumentState
from worker.stack.valkey import ValkeyHandle


def test_what_waits_for_a_kind_that_died_is_read_by_another_and_a_wish_waits(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    gate.mkdir()
    log.mkdir()
    queue = {"range_pages": 1, "window_per_worker": 4, "resend_seconds": 15}
    with site(tmp_path / "s", valkey.broker_url, "moving:", queue=queue) as place:
        place.start("control")
        doomed = place.start("gpu:0", on_cpu=True, gate=str(gate), log=str(log))
        place.ready(control=1, gpu=1)
        write_pdf(place.inbox / "any.pdf", 6)
        write_pdf(place.inbox / "wishing.pdf", 1)
        place.announce("any.pdf")
        wait_for(lambda: list(log.iterdir()), "a page in hand")
        wait_for(lambda: place.store.fleet.depths(["ocr.gpu"])["ocr.gpu"] == 3, "ranges that wait")
        place.announce("wishing.pdf", device="gpu")
        os.kill(place.child_pid("gpu:0"), signal.SIGKILL)
        doomed.kill()
        place.start("cpu", log=str(log))
        (found,) = place.ended()
        assert found.state is DocumentState.SUCCEEDED
        assert states(place.manifest(found)) == ["done"] * 6
        assert len(list(log.iterdir())) <= 6 + 1  # only the one in its hands was begun twice
        wishing = next(one for one in place.documents() if one.device == "gpu")
        assert wishing.state is DocumentState.PROCESSING
        assert {one.kind for one in place.store.placements.all()} == {"gpu"}
        (gate / "open").touch()
        place.start("gpu:0", on_cpu=True, log=str(log))
        assert {one.state for one in place.ended(2)} == {DocumentState.SUCCEEDED}
        assert "moved from gpu to cpu" in place.logs()
