"""What documents of very many pages cost."""

from __future__ import annotations

import sys
from pathlib import Path

from desk import Desk

from infra.status.states import DocumentState
from tasks.memory import resident_mb
from tasks.queues import PAGES

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from queue_memory import write_pdf

MANY = 10_000


def test_ten_thousand_pages_are_split_in_little_memory(desk: Desk) -> None:
    write_pdf(desk.inbox / "small.pdf", 3)
    desk.ingest("small.pdf")
    desk.work()  # libraries are loaded by then
    write_pdf(desk.inbox / "huge.pdf", MANY)
    before = resident_mb()
    document = desk.ingest("huge.pdf")
    desk.work(until=PAGES)
    assert resident_mb() - before < 100
    found = desk.document(document)
    assert (found.state, found.pages) == (DocumentState.PROCESSING, MANY)
    keys = map(str, desk.store.client.scan_iter(f"{desk.settings.key_prefix}doc:{document}*"))
    cost = sum(int(str(desk.store.client.memory_usage(key, samples=0))) for key in keys)
    assert cost < 100 * MANY
