"""Readable documents of a document: each is stored once, and what cannot be made is told."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import StorageUnavailable
from infra.status.states import DocumentState
from infra.storage.directory import DirectoryStorage
from pipelines.errors import WriteError
from pipelines.write import WRITERS
from pipelines.write.markdown import MarkdownWriter
from pipelines.write.page import Page
from tasks import walk
from tasks.audit import audit_document
from tasks.context import storage_at
from tasks.queues import CONTROL, FINALIZE, PAGES
from tasks.reopen import NotReopened, retry

TEXTS = ("txt", "md", "csv", "jsonl", "hocr", "alto")
FILES = [WRITERS[name].file for name in TEXTS]


def problems(desk: Desk) -> list[str]:
    """What an audit finds."""
    results = storage_at(desk.settings.results, desk.settings.s3)
    with ThreadPoolExecutor(1) as pool:
        entries = walk.documents(walk.result_keys(results, ""))
        return [each.sentence for entry in entries for each in audit_document(results, entry, pool).problems]


def outputs(desk: Desk, document: str) -> dict[str, str]:
    """The readable documents that the manifest names, with what they say."""
    named = [output["name"] for output in desk.manifest(document)["outputs"]]
    return {name: desk.path(desk.folder(document).output(name)).read_text() for name in named}


def ready(desk: Desk, **options: Any) -> str:
    """A document of three pages that were read, and wait to be put together."""
    desk.pdf()
    document = desk.ingest(options={"outputs": list(TEXTS), **options})
    desk.work(until=FINALIZE)
    return document


def test_every_output_that_is_asked_for_is_made_and_named(desk: Desk) -> None:
    document = ready(desk, pages="1,3")
    desk.work()
    found = outputs(desk, document)
    assert list(found) == FILES
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert all("It is not among the pages that were asked for." in text for text in found.values())
    word = found["document.txt"].split()[0]
    assert all(word in text for text in found.values())
    assert problems(desk) == []


def test_words_have_the_places_of_their_characters_where_that_matters(desk: Desk) -> None:
    document = ready(desk)
    page = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    assert page["return_word_box"]
    assert page["text_char_polys"]


def test_outputs_are_stored_as_what_they_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: dict[str, str] = {}
    create = DirectoryStorage.create

    def noted(self: DirectoryStorage, key: str, *args: Any, **fields: Any) -> Any:
        kinds[key.rsplit("/", 1)[-1]] = fields["content_type"]
        return create(self, key, *args, **fields)

    monkeypatch.setattr(DirectoryStorage, "create", noted)
    ready(desk)
    desk.work()
    assert {name: kinds[name] for name in FILES} == {
        WRITERS[name].file: WRITERS[name].media_type for name in TEXTS
    }


def test_what_is_there_is_adopted_when_it_is_put_together_again(desk: Desk, flaky: Flaky) -> None:
    document = ready(desk)
    flaky.refuse["create", "document.hocr.html"] = StorageUnavailable("away")
    desk.step()
    folder = desk.folder(document)
    first = {name: desk.context.results.head(folder.output(name)) for name in FILES[:4]}
    assert not desk.path(folder.manifest).exists()
    flaky.refuse.clear()
    desk.due()
    desk.work()
    assert {name: desk.context.results.head(folder.output(name)) for name in FILES[:4]} == first
    assert list(outputs(desk, document)) == FILES
    assert problems(desk) == []


def test_a_late_attempt_leaves_what_has_ended(desk: Desk) -> None:
    document = ready(desk)
    late = desk.messages[0]
    desk.work()
    folder = desk.folder(document)
    before = {name: desk.context.results.head(folder.output(name)) for name in (*FILES, "document.json")}
    desk.messages.append(late)
    desk.work()
    assert {name: desk.context.results.head(folder.output(name)) for name in before} == before


def test_a_page_that_failed_is_told_in_each_and_replaced_once_it_was_read(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(options={"outputs": list(TEXTS)})
    desk.work(until=PAGES)
    folder = desk.folder(document)
    desk.path(folder.pages).mkdir(parents=True)
    failed = {"state": "failed", "reason": "The ink ran out.", "cause": "processing"}
    desk.path(folder.page(2)).write_text(json.dumps(failed))
    desk.work()
    assert desk.document(document).state is DocumentState.PARTIAL
    assert all("The ink ran out." in text for text in outputs(desk, document).values())
    retry(desk.tools, desk.context.results, folder)
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert not any("The ink ran out." in text for text in outputs(desk, document).values())
    assert problems(desk) == []


def test_a_cancelled_document_says_which_pages_were_not_read(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(options={"outputs": "md"})
    desk.work(until=PAGES)
    _, generation = desk.store.status.cancel(document)
    desk.messages.append((FINALIZE, [document, generation, 0], CONTROL))
    desk.work()
    assert desk.document(document).state is DocumentState.CANCELLED
    assert (
        outputs(desk, document)["document.md"].count("was not read: The document was cancelled before.") == 3
    )


@pytest.mark.parametrize("error", [WriteError("pages of paper cannot be drawn."), ZeroDivisionError()])
def test_one_that_cannot_be_made_does_not_take_the_others_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(self: MarkdownWriter, page: Page) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(MarkdownWriter, "page", broken)
        document = ready(desk)
        desk.work()
    found = desk.document(document)
    cause = "pages of paper cannot be drawn" if isinstance(error, WriteError) else "its writer has failed"
    assert found.state is DocumentState.PARTIAL
    assert found.reason == f"Every page was read. document.md could not be made: {cause}."
    assert list(outputs(desk, document)) == [name for name in FILES if name != "document.md"]
    retry(desk.tools, desk.context.results, desk.folder(document))
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert list(outputs(desk, document)) == FILES
    assert desk.pipeline.reads == {1: 1, 2: 1, 3: 1}
    with pytest.raises(NotReopened, match="nothing failed"):
        retry(desk.tools, desk.context.results, desk.folder(document))


def test_the_source_is_fetched_only_for_those_that_show_it(desk: Desk) -> None:
    desk.pdf()
    plain, shown = desk.ingest(options={"outputs": "md"}), desk.ingest(options={"outputs": "md,pdf"})
    desk.work(until=FINALIZE)
    (desk.inbox / "a.pdf").unlink()
    shutil.rmtree(desk.settings.work_dir / "sources")
    desk.work()
    assert desk.document(plain).state is DocumentState.SUCCEEDED
    found = desk.document(shown)
    assert found.state is DocumentState.PARTIAL
    assert found.reason == (
        "Every page was read. document.pdf could not be made: the source is no longer what was read."
    )
    assert list(outputs(desk, shown)) == ["document.md"]
