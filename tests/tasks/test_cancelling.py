"""A document that was cancelled stays so: storage says it, whatever Redis forgets."""

from __future__ import annotations

from collections import Counter

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import StorageUnavailable
from infra.status.states import DocumentState
from infra.status.work import Commit
from tasks.cancel import cancel
from tasks.ledger import write_cancelling
from tasks.pagefiles import PageFiles
from tasks.places import Folder
from tasks.queues import FINALIZE, PAGES, SPLIT
from tasks.records import Cancelling
from tasks.reopen import replay, retry


def stop(desk: Desk, folder: Folder) -> Commit:
    return cancel(desk.tools, desk.context.results, folder)[0]


def half_read(desk: Desk) -> tuple[str, Folder]:
    """A document of seven pages, three of which are read."""
    desk.pdf(pages=7)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.step()
    return document, desk.folder(document)


@pytest.mark.parametrize("loss", ["total", "partial"])
def test_a_cancelled_document_survives_redis(desk: Desk, loss: str) -> None:
    document, folder = half_read(desk)
    snapshot = desk.snapshot()
    assert stop(desk, folder) is Commit.FIRST
    desk.work(until=FINALIZE)
    if loss == "total":
        desk.lose()
    else:
        desk.roll_back(snapshot)
    desk.recover()
    desk.ingest()
    found = desk.document(document)
    assert found.state is DocumentState.CANCELLED
    assert desk.pipeline.reads == Counter((1, 2, 3))
    check_cancelled(desk, document, folder)


def check_cancelled(desk: Desk, document: str, folder: Folder) -> None:
    """The manifest says what had been read, and nothing is left to be done."""
    manifest = desk.manifest(document)
    assert manifest["reason"] == "Cancelled; 3 of 7 pages had been read."
    assert [page["state"] for page in manifest["pages"]] == ["done"] * 3 + ["cancelled"] * 4
    assert not desk.path(folder.cancelling).exists()


@pytest.mark.parametrize("loss", ["total", "partial"])
def test_one_that_has_ended_so_stays_so(desk: Desk, loss: str) -> None:
    document, folder = half_read(desk)
    snapshot = desk.snapshot()
    stop(desk, folder)
    desk.work()
    if loss == "total":
        desk.lose()
    else:
        desk.roll_back(snapshot)
    desk.recover()
    desk.ingest()
    assert desk.document(document).state is DocumentState.CANCELLED
    check_cancelled(desk, document, folder)


def test_one_that_was_cancelled_before_redis_heard_of_it_ends(desk: Desk) -> None:
    document, folder = half_read(desk)
    write_cancelling(desk.context.results, folder, Cancelling(generation=1))
    desk.recover()
    assert desk.document(document).state is DocumentState.CANCELLED
    assert desk.pipeline.reads == Counter((1, 2, 3))
    assert not desk.path(folder.cancelling).exists()


def test_one_that_redis_has_forgotten_can_be_cancelled(desk: Desk) -> None:
    document, folder = half_read(desk)
    desk.lose()
    assert stop(desk, folder) is Commit.FIRST
    desk.work()
    assert desk.document(document).state is DocumentState.CANCELLED
    desk.lose()
    assert stop(desk, folder) is Commit.REPEATED
    assert desk.document(document).state is DocumentState.CANCELLED
    assert not desk.path(folder.cancelling).exists()


def test_what_has_ended_keeps_no_trace_of_being_cancelled_too_late(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=FINALIZE)
    folder = desk.folder(document)
    assert stop(desk, folder) is Commit.REPEATED
    desk.work()
    assert stop(desk, folder) is Commit.REPEATED
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert not desk.path(folder.cancelling).exists()


def test_a_cancelled_document_goes_on_when_it_is_retried(desk: Desk) -> None:
    document, folder = half_read(desk)
    stop(desk, folder)
    desk.work()
    assert retry(desk.tools, desk.context.results, folder).pages == [4, 5, 6, 7]
    desk.lose()
    desk.recover()
    desk.ingest()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(range(1, 8))


def test_a_retry_can_be_cancelled_and_survives_redis(desk: Desk) -> None:
    document, folder = half_read(desk)
    stop(desk, folder)
    desk.work()
    retry(desk.tools, desk.context.results, folder)
    desk.work(until=PAGES)
    assert stop(desk, folder) is Commit.FIRST
    desk.lose()
    desk.recover()
    desk.ingest()
    found = desk.document(document)
    assert (found.state, found.generation) == (DocumentState.CANCELLED, 2)
    assert desk.pipeline.reads == Counter((1, 2, 3))
    assert not desk.path(folder.cancelling).exists()
    assert not desk.path(folder.reopening).exists()


def test_redis_hears_of_nothing_that_storage_does_not_know(desk: Desk, flaky: Flaky) -> None:
    document, folder = half_read(desk)
    flaky.refuse["create", "cancelled.json"] = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        stop(desk, folder)
    assert desk.document(document).state is DocumentState.PROCESSING


@pytest.mark.parametrize("stage", [SPLIT, PAGES])
def test_what_an_earlier_generation_had_stays_when_its_retry_is_cancelled(desk: Desk, stage: str) -> None:
    document = failed_in_part(desk)
    folder = desk.folder(document)
    before = desk.manifest(document)
    assert retry(desk.tools, desk.context.results, folder).pages == [3]
    desk.work(until=stage)
    assert stop(desk, folder) is Commit.FIRST
    desk.work()
    manifest = desk.manifest(document)
    assert (manifest["generation"], manifest["state"]) == (2, "cancelled")
    assert manifest["reason"] == "Cancelled; 4 of 5 pages had been read."
    assert (manifest["pages"], manifest["outputs"]) == (before["pages"], before["outputs"])
    assert desk.document(document).state is DocumentState.CANCELLED
    assert not desk.path(folder.cancelling).exists()
    assert not desk.path(folder.reopening).exists()
    assert retry(desk.tools, desk.context.results, folder).pages == [3]
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(range(1, 6))


@pytest.mark.parametrize("loss", ["none", "total"])
def test_a_repair_reads_nothing_that_somebody_cancelled(desk: Desk, loss: str) -> None:
    document, folder = half_read(desk)
    stop(desk, folder)
    desk.work()
    before = desk.manifest(document)
    text = desk.path(folder.text).read_text()
    desk.path(folder.text).unlink()
    desk.path(folder.page(2)).unlink()
    replay(desk.tools, desk.context.results, folder, [2])
    if loss == "total":
        desk.lose()
        desk.recover()
        desk.ingest()
    desk.work()
    assert desk.pipeline.reads == Counter((1, 2, 2, 3))
    check_cancelled(desk, document, folder)
    assert desk.document(document).state is DocumentState.CANCELLED
    assert desk.path(folder.text).read_text() == text
    assert desk.manifest(document)["pages"][2:] == before["pages"][2:]
    assert retry(desk.tools, desk.context.results, folder).pages == [4, 5, 6, 7]
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter((1, 2, 2, 3, 4, 5, 6, 7))


def test_an_output_of_a_cancelled_document_is_made_again(desk: Desk) -> None:
    desk.pdf(pages=9)
    document = desk.ingest(options={"pages": "1-7"})
    desk.work(until=PAGES)
    desk.step()
    folder = desk.folder(document)
    stop(desk, folder)
    desk.work()
    before = desk.manifest(document)
    desk.path(folder.text).unlink()
    replay(desk.tools, desk.context.results, folder, [])
    desk.work()
    check_cancelled(desk, document, folder)
    after = desk.manifest(document)
    assert (after["pages"], after["outputs"]) == (before["pages"], before["outputs"])
    assert desk.pipeline.reads == Counter((1, 2, 3))


def failed_in_part(desk: Desk) -> str:
    """A document of five pages, of which the third failed."""
    desk.pdf(pages=5)
    document = desk.ingest()
    desk.work(until=PAGES)
    PageFiles(desk.context.results, desk.folder(document)).write_failure(3, "torn", cause="processing")
    desk.work()
    return document


def test_a_repair_that_is_cancelled_leaves_the_document_as_it_was(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.work()
    folder, before = desk.folder(document), desk.manifest(document)
    desk.path(folder.page(2)).unlink()
    replay(desk.tools, desk.context.results, folder, [2])
    stop(desk, folder)
    desk.work()
    after = desk.manifest(document)
    assert (after["state"], after["pages"], after["outputs"]) == (
        "succeeded",
        before["pages"],
        before["outputs"],
    )
    assert desk.document(document).state is DocumentState.SUCCEEDED
    replay(desk.tools, desk.context.results, folder, [2])
    desk.work()
    assert desk.path(folder.page(2)).exists()
