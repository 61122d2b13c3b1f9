"""Documents through real workers in their own processes, on the fake engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are no dependency of ours
import pytest
from crew import Site, site, states, wait_for, write_pdf

from infra.status.states import DocumentState
from tasks.records import DocumentRef, manifest_schema
from worker.stack.valkey import ValkeyHandle


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    """A control worker and two that read."""
    with site(tmp_path_factory.mktemp("whole"), valkey.broker_url, "whole:") as made:
        for device in ("control", "cpu", "cpu"):
            made.start(device)
        made.ready(control=1, cpu=2)
        yield made


@pytest.fixture
def fresh(running: Site) -> Site:
    """The running site, without documents of earlier tests."""
    for key in running.store.client.scan_iter("whole:doc*"):
        running.store.client.delete(key)
    return running


def test_a_document_comes_out_whole(fresh: Site) -> None:
    write_pdf(fresh.inbox / "letters" / "a b.pdf", 7)
    fresh.announce("letters/a b.pdf", visualize=True)
    (document,) = fresh.ended()
    assert (document.state, document.pages, document.done) == (DocumentState.SUCCEEDED, 7, 7)
    folder = fresh.results(document)
    assert folder.parent.parts[-2:] == ("letters", "a%20b.pdf")
    manifest = fresh.manifest(document)
    jsonschema.validate(manifest, manifest_schema())
    assert states(manifest) == ["done"] * 7
    assert manifest["source"]["media_type"] == "application/pdf"
    assert manifest["pipeline"]["engine"] == "fake"
    results = Path(fresh.settings.results.removeprefix("file://"))
    files = [*manifest["outputs"]]
    for page in manifest["pages"]:
        files += [page["result"], *page["pictures"]]
    assert len(files) == 1 + 7 + 7
    for file in files:
        data = (results / file["key"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["size"], file["sha256"])
    page = json.loads((folder / "pages" / "00007.json").read_bytes())
    assert page["page_index"] == 6
    assert page["input_path"] == document.source
    text = (folder / "document.txt").read_text()
    assert text.count("\f") == 6
    assert page["rec_texts"]
    assert all(line in text for line in page["rec_texts"])


def test_the_same_upload_announced_five_times_is_one_document(fresh: Site) -> None:
    write_pdf(fresh.inbox / "five.pdf", 4)
    for _ in range(5):
        fresh.announce("five.pdf")
    (document,) = fresh.ended()
    write_pdf(fresh.inbox / "after.pdf", 1)
    fresh.announce("after.pdf")  # whatever the five have caused is over when this one is
    fresh.ended(2)
    again = fresh.store.listing.document(document.id)
    assert again == document
    assert len(fresh.documents()) == 2
    beside = sorted(path.name for path in fresh.results(document).parent.iterdir())
    assert beside == sorted([document.id, "latest.json"])


def test_a_changed_file_and_changed_options_are_other_documents(fresh: Site) -> None:
    write_pdf(fresh.inbox / "c.pdf", 1)
    fresh.announce("c.pdf")
    fresh.ended(1)
    fresh.announce("c.pdf", dpi=72)
    fresh.ended(2)
    fresh.announce("c.pdf", priority="high")  # reads the same
    write_pdf(fresh.inbox / "after.pdf", 3)
    fresh.announce("after.pdf")  # what was announced before it has been looked at when this one is over
    fresh.ended(3)
    write_pdf(fresh.inbox / "c.pdf", 2)
    fresh.announce("c.pdf")
    assert sorted(document.pages or 0 for document in fresh.ended(4)) == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.pdf", b"", "empty"),
        ("text.pdf", b"no picture at all", "text.pdf"),
        ("torn.png", b"\x89PNG\r\n\x1a\n" + bytes(20), "torn.png"),
    ],
)
def test_bad_input_is_rejected_with_a_reason_and_a_manifest(
    fresh: Site, name: str, data: bytes, reason: str
) -> None:
    (fresh.inbox / name).write_bytes(data)
    fresh.announce(name)
    (document,) = fresh.ended()
    assert document.state is DocumentState.REJECTED
    assert document.reason is not None
    assert reason in document.reason
    assert str(fresh.folder) not in document.reason
    manifest = fresh.manifest(document)
    assert (manifest["state"], manifest["reason"], manifest["pages"]) == ("rejected", document.reason, [])


def test_an_unknown_option_rejects_the_document_and_names_it(fresh: Site) -> None:
    write_pdf(fresh.inbox / "o.pdf", 1)
    fresh.announce("o.pdf", dip=200)
    (document,) = fresh.ended()
    assert document.state is DocumentState.REJECTED
    assert document.reason == "There is no option 'dip'; did you mean dpi?"


def test_a_source_that_is_not_there_and_one_that_was_replaced(fresh: Site) -> None:
    fresh.announce("nothing.pdf")
    (document,) = fresh.ended()
    assert (document.state, document.reason) == (DocumentState.REJECTED, "The document was not found.")
    write_pdf(fresh.inbox / "old.pdf", 1)
    with fresh.producer() as producer:
        producer.announce(DocumentRef(source=f"file://{fresh.inbox}", key="old.pdf", etag="another"))
    fresh.ended(2)
    assert DocumentState.SUPERSEDED in {one.state for one in fresh.documents()}


def test_a_sidecar_gives_options_and_is_no_document(fresh: Site) -> None:
    write_pdf(fresh.inbox / "s.pdf", 1)
    (fresh.inbox / "s.pdf.pageline.json").write_text('{"dpi": 72}')
    fresh.announce("s.pdf.pageline.json")
    fresh.announce("s.pdf")
    (document,) = fresh.ended()
    assert fresh.manifest(document)["options"]["dpi"] == 72
    assert len(fresh.documents()) == 1


def test_a_page_that_is_too_large_fails_alone(fresh: Site) -> None:
    path = write_pdf(fresh.inbox / "big.pdf", 2)
    data = path.read_bytes()
    assert data.count(b"[ 0 0 160.0 60.0 ]") == 2
    path.write_bytes(data.replace(b"[ 0 0 160.0 60.0 ]", b"[ 0 0 999999 60. ]", 1))
    fresh.announce("big.pdf")
    (document,) = fresh.ended()
    assert document.state is DocumentState.PARTIAL
    manifest = fresh.manifest(document)
    assert states(manifest) == ["failed", "done"]
    assert "max_side" in manifest["pages"][0]["reason"]


def test_a_document_of_redis_forgotten_comes_back_without_work(fresh: Site) -> None:
    write_pdf(fresh.inbox / "forgotten.pdf", 2)
    fresh.announce("forgotten.pdf")
    (document,) = fresh.ended()
    written = {path: path.stat().st_mtime_ns for path in fresh.results(document).rglob("*")}
    fresh.store.client.delete(*fresh.store.client.scan_iter("whole:doc*"))
    assert fresh.documents() == []
    fresh.announce("forgotten.pdf")
    (again,) = fresh.ended()
    assert (again.id, again.state, again.done) == (document.id, document.state, 2)
    assert {path: path.stat().st_mtime_ns for path in fresh.results(document).rglob("*")} == written


def test_a_wish_for_a_device_that_is_not_there_waits_in_its_queue(fresh: Site) -> None:
    write_pdf(fresh.inbox / "w.pdf", 1)
    fresh.announce("w.pdf", device="npu", priority="high")
    queue = "ocr.npu.high"
    wait_for(lambda: fresh.store.fleet.depths([queue])[queue] == 1, "the message for an NPU")
    (document,) = fresh.documents()
    assert document.state is DocumentState.PROCESSING
    fresh.store.client.delete(f"whole:{queue}")


def test_high_normal_and_bulk_all_come_to_their_end(fresh: Site) -> None:
    for priority in ("bulk", "normal", "high"):
        write_pdf(fresh.inbox / f"{priority}.pdf", 5)
        fresh.announce(f"{priority}.pdf", priority=priority)
    assert {(one.priority, one.state) for one in fresh.ended(3)} == {
        (priority, DocumentState.SUCCEEDED) for priority in ("bulk", "normal", "high")
    }


def test_workers_say_what_they_are(fresh: Site) -> None:
    write_pdf(fresh.inbox / "h.pdf", 4)
    fresh.announce("h.pdf")
    fresh.ended()

    def measured() -> bool:
        return any(beat.pages_per_second for beat in fresh.store.fleet.workers())

    wait_for(measured, "a measured speed")
    beats = fresh.store.fleet.workers()
    assert {(beat.kind, beat.digest is None) for beat in beats} == {("control", True), ("cpu", False)}
