"""Documents that have ended are worked on again: what failed, what was cancelled, what is missing."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import StorageUnavailable
from infra.status.states import DocumentState, PageState
from infra.status.status import split_step
from infra.status.work import Claim, Commit, PageRange
from tasks.ledger import read_reopening, write_reopening
from tasks.pagefiles import PageFiles, page_files
from tasks.queues import FINALIZE, PAGES, SPLIT
from tasks.records import Manifest, Reopening
from tasks.reopen import NotReopened, Reopened, replay, retry, stretches


def partial(desk: Desk, *failed: int, pages: int = 5) -> str:
    """A document of which some pages failed."""
    desk.pdf(pages=pages)
    document = desk.ingest()
    desk.work(until=PAGES)
    for number in failed:
        files = PageFiles(desk.context.results, desk.folder(document))
        files.write_failure(number, "three deaths", cause="processing")
    desk.work()
    return document


def again(desk: Desk, document: str) -> Reopened:
    return retry(desk.tools, desk.context.results, desk.folder(document))


def test_only_what_failed_is_read_again(desk: Desk) -> None:
    document = partial(desk, 2, 4)
    assert desk.document(document).state is DocumentState.PARTIAL
    text = desk.path(desk.folder(document).text).read_text()
    assert again(desk, document) == Reopened(2, [2, 4])
    desk.work()
    found = desk.document(document)
    assert (found.state, found.done, found.failed) == (DocumentState.SUCCEEDED, 5, 0)
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 6), 1))
    manifest = Manifest.model_validate(desk.manifest(document))
    assert (manifest.generation, manifest.reason) == (2, None)
    assert [page.state for page in manifest.pages] == ["done"] * 5
    assert desk.path(desk.folder(document).text).read_text() != text
    assert read_reopening(desk.context.results, desk.folder(document)) is None
    check_digests(desk, document)


def check_digests(desk: Desk, document: str) -> None:
    """The manifest names what is there."""
    manifest = Manifest.model_validate(desk.manifest(document))
    named = [*manifest.outputs, *(page.result for page in manifest.pages if page.result is not None)]
    for file in named:
        assert desk.path(file.key).stat().st_size == file.size


def test_pages_that_fail_again_have_a_new_record(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document = partial(desk, 2)
    again(desk, document)
    desk.work(until=PAGES)
    PageFiles(
        desk.context.results, desk.folder(document), 2, Reopening(generation=2, created=0, failed=True)
    ).write_failure(2, "three more deaths", cause="processing")
    desk.work()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.PARTIAL, 1)
    assert desk.manifest(document)["pages"][1]["reason"] == "three more deaths"
    assert again(desk, document) == Reopened(3, [2])


@pytest.mark.parametrize("stage", [SPLIT, PAGES, FINALIZE])
@pytest.mark.parametrize("loss", ["total", "partial"])
def test_a_retry_survives_redis(desk: Desk, stage: str, loss: str) -> None:
    document = partial(desk, 2, 4)
    snapshot = desk.snapshot()
    again(desk, document)
    desk.work(until=stage)
    if loss == "total":
        desk.lose()
    else:
        desk.roll_back(snapshot)
    desk.recover()
    found = desk.document(document)
    assert (found.state, found.done, found.generation) == (DocumentState.SUCCEEDED, 5, 2)
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 6), 1))
    assert read_reopening(desk.context.results, desk.folder(document)) is None


def test_a_retry_that_was_lost_before_redis_heard_of_it_is_found(desk: Desk) -> None:
    document = partial(desk, 3)
    folder = desk.folder(document)
    write_reopening(desk.context.results, folder, Reopening(generation=2, created=0.0, failed=True))
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_a_retry_that_died_after_its_manifest_is_over(desk: Desk, flaky: Flaky) -> None:
    document = partial(desk, 3)
    again(desk, document)
    folder = desk.folder(document)
    flaky.refuse["delete", "reopened.json"] = StorageUnavailable("away")
    desk.work()
    assert desk.manifest(document)["generation"] == 2
    assert not desk.document(document).terminal
    flaky.refuse.clear()
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert read_reopening(desk.context.results, folder) is None


def test_two_who_retry_at_once_are_one(desk: Desk) -> None:
    document = partial(desk, 3)
    again(desk, document)
    with pytest.raises(NotReopened, match="has not ended"):
        again(desk, document)
    desk.work()
    assert desk.document(document).generation == 2


def test_late_work_of_the_earlier_generation_changes_nothing(desk: Desk) -> None:
    document = partial(desk, 3)
    folder = desk.folder(document)
    again(desk, document)
    old = PageFiles(desk.context.results, folder).write_failure(3, "late", cause="processing")
    assert old.reason == "three deaths"
    status = desk.store.status
    assert status.commit_page(document, 1, 3, PageState.FAILED, "late") is Commit.GONE
    assert status.claim(split_step(document, 1), "late")[0] is Claim.GONE
    assert status.begin_range(PageRange(document, 1, 3, 3), "late") is Claim.GONE
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert PageFiles(desk.context.results, folder).write_failure(3, "later", cause="input").state == "done"


def test_nothing_is_retried_of_what_was_read_rejected_or_is_at_work(desk: Desk) -> None:
    whole = partial(desk)
    with pytest.raises(NotReopened, match="nothing failed"):
        again(desk, whole)
    desk.pdf("b.pdf", pages=1)
    rejected = desk.ingest("b.pdf", options={"dpi": 1})
    with pytest.raises(NotReopened, match="has not ended"):
        again(desk, rejected)
    desk.work()
    with pytest.raises(NotReopened, match="dpi"):
        again(desk, rejected)


def test_a_document_that_failed_before_its_pages_is_begun_anew(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    for _ in range(3):
        desk.store.status.claim(split_step(document, 1), "dead#1#1")
        desk.long_ago()
        desk.messages.clear()
        desk.store.status.expire()
    desk.recover()
    assert desk.document(document).state is DocumentState.FAILED
    assert again(desk, document) == Reopened(2, [])
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.manifest(document)["generation"] == 2


def test_a_retry_whose_source_is_gone_leaves_what_there_was(desk: Desk) -> None:
    document = partial(desk, 2)
    (desk.inbox / "a.pdf").unlink()
    for path in (desk.settings.work_dir / "sources").rglob("*.pdf"):
        path.unlink()
    again(desk, document)
    desk.work()
    manifest = Manifest.model_validate(desk.manifest(document))
    assert (manifest.state, manifest.generation) == ("partial", 2)
    assert [page.state for page in manifest.pages] == ["done", "failed", "done", "done", "done"]
    assert "could not be worked on again" in (manifest.reason or "")
    again(desk, document)
    desk.work()
    assert desk.manifest(document)["reason"] == manifest.reason


def test_a_source_that_was_out_of_reach_for_a_while_can_be_read_after_all(desk: Desk) -> None:
    path = desk.pdf(pages=2)
    document = desk.ingest()
    away = desk.inbox.rename(desk.inbox.with_name("away"))
    desk.work()
    assert desk.document(document).state is DocumentState.SUPERSEDED
    with pytest.raises(NotReopened, match="is not there"):
        again(desk, document)
    away.rename(desk.inbox)
    assert again(desk, document) == Reopened(2, [])
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert path.exists()


def test_a_source_that_was_replaced_is_not_read_for_the_earlier_one(desk: Desk) -> None:
    desk.pdf(pages=2)
    document = desk.ingest()
    desk.pdf(pages=3)
    desk.work()
    assert desk.document(document).state is DocumentState.SUPERSEDED
    with pytest.raises(NotReopened, match="replaced"):
        again(desk, document)


def test_a_retry_after_redis_has_forgotten_goes_by_storage(desk: Desk) -> None:
    document = partial(desk, 2)
    folder = desk.folder(document)
    desk.lose()
    assert retry(desk.tools, desk.context.results, folder) == Reopened(2, [2])
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_pages_are_replayed_whatever_is_stored_for_them(desk: Desk) -> None:
    document = partial(desk, 1)
    folder = desk.folder(document)
    damaged, missing = desk.path(folder.page(2)), desk.path(folder.page(4))
    damaged.write_text("{")
    missing.unlink()
    desk.path(folder.text).write_text("changed by somebody")
    desk.pipeline.reads.clear()
    replay(desk.tools, desk.context.results, folder, [2, 4])
    desk.work()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.PARTIAL, 1)  # page 1 stays failed
    assert desk.pipeline.reads == Counter({2: 1, 4: 1})
    assert json.loads(damaged.read_bytes())["generation"] == 2
    check_digests(desk, document)


def test_a_cancelled_document_keeps_what_was_read_and_can_go_on(desk: Desk) -> None:
    desk.pdf(pages=7)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.step()
    assert desk.store.status.cancel(document)[0] is Commit.FIRST
    desk.recover()
    found = desk.document(document)
    assert (found.state, found.reason) == (DocumentState.CANCELLED, "Cancelled; 3 of 7 pages had been read.")
    manifest = Manifest.model_validate(desk.manifest(document))
    assert [page.state for page in manifest.pages] == ["done"] * 3 + ["cancelled"] * 4
    assert desk.pipeline.reads == Counter(dict.fromkeys((1, 2, 3), 1))
    assert again(desk, document) == Reopened(2, [4, 5, 6, 7])
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 8), 1))
    check_digests(desk, document)


def test_a_document_is_cancelled_before_anything_is_known_of_it(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.store.status.cancel(document)
    desk.recover()
    manifest = desk.manifest(document)
    assert (manifest["state"], manifest["pages"], manifest["outputs"]) == ("cancelled", [], [])
    assert not desk.pipeline.reads
    desk.lose()
    desk.recover()
    assert desk.documents() == []  # it stays cancelled


def test_cancelling_is_seen_between_pages(desk: Desk) -> None:
    class Cancelling:
        pages_at_once = 1

        def predict(self, page: Any, **options: Any) -> Any:
            if page.number == 2:
                desk.store.status.cancel(document)
            yield from desk.pipeline.predict(page, **options)

    desk.pdf(pages=20)
    document = desk.ingest()
    desk.context.pipeline = Cancelling()
    desk.work(until=FINALIZE)
    desk.recover()
    assert desk.document(document).state is DocumentState.CANCELLED
    assert set(desk.pipeline.reads) <= {1, 2, 3}


def test_a_text_that_a_cancelled_end_left_behind_is_replaced(desk: Desk) -> None:
    desk.pdf(pages=4)
    document = desk.ingest()
    desk.work(until=PAGES)
    folder = desk.folder(document)
    desk.path(folder.text).write_text("of one page only\n")
    desk.work()
    assert "of one page only" not in desk.path(folder.text).read_text()
    check_digests(desk, document)


def test_stretches_have_no_gaps() -> None:
    assert stretches([3, 1, 2, 7, 9, 8, 8]) == [(1, 3), (7, 9)]
    assert stretches([]) == []


def test_only_the_generation_that_was_announced_reads_again(desk: Desk) -> None:
    document = partial(desk, 2)
    folder, storage = desk.folder(document), desk.context.results
    write_reopening(storage, folder, Reopening(generation=3, created=0, failed=True, pages=[(1, 1)]))
    assert page_files(storage, folder, 1).reopening is None
    assert page_files(storage, folder, 2).reopening is None
    later = page_files(storage, folder, 3)
    assert [number for number, _ in later.settled(1, 5)] == [3, 4, 5]
