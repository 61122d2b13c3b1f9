"""The storage is gone for a while, while real workers read."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

from crew import site, wait_for, write_pdf
from services import require

from infra.status.states import DocumentState
from infra.storage import Location, open_storage
from tasks.ledger import read_manifest
from tasks.places import Folder
from worker.stack.seaweed import start_seaweed
from worker.stack.valkey import ValkeyHandle
from worker.stack.weed import weed_binary

PAGES = 8


def test_a_storage_that_is_gone_for_a_while_costs_no_page_another_reading(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    require(weed_binary)
    log, gate = tmp_path / "log", tmp_path / "gate"
    log.mkdir()
    gate.mkdir()
    server = start_seaweed(tmp_path / "weed")
    server.create_bucket("out")
    options = replace(server.options, attempts=2)
    values = {"results": "s3://out/results", "s3": options}
    with site(tmp_path, valkey.broker_url, "outage:", **values) as made:
        made.start("control")
        made.start("cpu", log=str(log), gate=str(gate), gate_from=5)
        made.ready(control=1, cpu=1)
        write_pdf(made.inbox / "a.pdf", PAGES)
        made.announce("a.pdf")
        wait_for(lambda: list(gate.glob("page-5-*")), "a page in hand")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
        (gate / "open").touch()
        spool = made.settings.work_dir / "spool"
        wait_for(lambda: list(spool.glob("*.json")), "a page that waits for the storage")
        with start_seaweed(tmp_path / "weed") as again:
            assert again.endpoint == server.endpoint
            (document,) = made.ended()
            assert (document.state, document.done) == (DocumentState.SUCCEEDED, PAGES)
            manifest = read_manifest(
                open_storage(Location("s3", "out"), again.options), Folder(document.folder)
            )
            made.stop()
    assert manifest is not None
    assert [page.state for page in manifest.pages] == ["done"] * PAGES
    read = Counter(int(path.name.split("-")[1]) for path in log.iterdir())
    assert read == Counter(dict.fromkeys(range(1, PAGES + 1), 1))
    assert list(spool.glob("*.json")) == []
