"""Shares of the workers, seen at real ones: Celery's queues, processes of their own, the fake engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from crew import Site, site, wait_for, write_pdf

from infra.status.states import DocumentState, Priority
from tasks.records import DocumentRef
from worker.stack.valkey import ValkeyHandle


def announce(place: Site, key: str, tenant: str) -> None:
    with place.producer() as producer:
        producer.announce(DocumentRef(source=f"file://{place.inbox}", key=key, tenant=tenant))


@pytest.mark.parametrize("count", [1, 2])
def test_a_page_waits_for_what_is_in_hand_and_one_range_more(
    tmp_path: Path, valkey: ValkeyHandle, count: int
) -> None:
    """One tenant has twenty ranges in line; they begin, and end, when the gate is opened."""
    gate, log = tmp_path / "gate", tmp_path / "log"
    gate.mkdir()
    log.mkdir()
    prefix = f"shares{count}:"
    queue = {"range_pages": 1}
    with site(tmp_path / "s", valkey.broker_url, prefix, tenants=["a", "b"], queue=queue) as place:
        place.start("control")
        for _ in range(count):
            place.start("cpu", gate=str(gate), log=str(log))
        place.ready(control=1, cpu=count)
        write_pdf(place.inbox / "long.pdf", 20)
        write_pdf(place.inbox / "short.pdf", 1)
        announce(place, "long.pdf", "a")
        wait_for(lambda: len(list(log.iterdir())) == count, "pages in hand")
        announce(place, "short.pdf", "b")
        queued = count + 1  # one range more for each worker, and the other tenant's
        wait_for(lambda: place.store.fleet.depths(["ocr.cpu"])["ocr.cpu"] == queued, "its message")
        (gate / "open").touch()
        place.ended(2)
    begun = sorted(log.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    firsts = [place for place, path in enumerate(begun) if path.name.startswith("read-1-")]
    since = firsts[1] - count  # what began between its announcement and its own beginning
    assert since < 2 * count
    assert len(begun) == 21


def test_no_priority_starves_another(tmp_path: Path, valkey: ValkeyHandle) -> None:
    pages = 8
    with site(tmp_path, valkey.broker_url, "turns:", queue={"range_pages": 1}) as place:
        place.start("control")
        place.ready(control=1)
        for priority in ("bulk", "bulk", "normal", "high"):
            name = f"{priority}-{len(list(place.inbox.iterdir()))}.pdf"
            write_pdf(place.inbox / name, pages)
            place.announce(name, priority=priority)
        wait_for(lambda: all_processing(place, 4), "documents in line")
        place.start("cpu")
        documents = place.ended(4)
    written = [
        (path.stat().st_mtime_ns, document.priority)
        for document in documents
        for path in (place.results(document) / "pages").glob("*.json")
    ]
    order = [priority for _, priority in sorted(written)]
    shares = Counter(order[: 3 * pages - 6])  # while all wait
    assert all(shares[priority] >= 3 for priority in Priority), " ".join(order)


def all_processing(place: Site, count: int) -> bool:
    states = [one.state for one in place.documents()]
    return states == [DocumentState.PROCESSING] * count
