"""What an audit finds in a document's results, problem by problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from desk import Desk

from tasks.audit import Audited, Fault, audit_document
from tasks.pagefiles import PageFiles
from tasks.places import Folder
from tasks.queues import PAGES
from tasks.records import Reopening
from tasks.walk import documents, result_keys


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def audited(desk: Desk, pool: ThreadPoolExecutor) -> Audited:
    (entry,) = documents(result_keys(desk.context.results, ""))
    return audit_document(desk.context.results, entry, pool)


def read(desk: Desk) -> Folder:
    """A document of three pages with pictures, of which the second failed; the keys of its results."""
    desk.pdf(pages=3)
    document = desk.ingest(options={"visualize": True})
    desk.work(until=PAGES)
    PageFiles(desk.context.results, desk.folder(document)).write_failure(2, "torn", cause="input")
    desk.work()
    return desk.folder(document)


def test_a_document_that_is_whole_has_no_problems(desk: Desk, pool: ThreadPoolExecutor) -> None:
    read(desk)
    found = audited(desk, pool)
    assert found.problems == []
    assert (found.state, found.pages, found.failed) == ("partial", 3, 1)
    assert found.source == f"file://{desk.inbox}/a.pdf"


def manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Desk, Folder], None]:
    def damage(desk: Desk, folder: Folder) -> None:
        path = desk.path(folder.manifest)
        content = json.loads(path.read_bytes())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def on(where: Callable[[Folder], str], act: Callable[[Path], Any]) -> Callable[[Desk, Folder], None]:
    return lambda desk, folder: act(desk.path(where(folder)))


DAMAGES: dict[str, tuple[Callable[[Desk, Folder], Any], Fault, int | None, str]] = {
    "no manifest": (on(lambda f: f.manifest, Path.unlink), Fault.OPEN, None, "not ended"),
    "a torn manifest": (on(lambda f: f.manifest, lambda p: p.write_text("{")), Fault.OPEN, None, "damaged"),
    "a torn request": (on(lambda f: f.request, lambda p: p.write_text("{")), Fault.RECORD, None, "request"),
    "no request": (on(lambda f: f.request, Path.unlink), Fault.RECORD, None, "request"),
    "no page": (on(lambda f: f.page(1), Path.unlink), Fault.MISSING, 1, "00001.json is missing"),
    "another page": (on(lambda f: f.page(3), lambda p: p.write_text("{}")), Fault.DIFFERS, 3, "00003.json"),
    "no picture": (on(lambda f: f.picture(1, "ocr_res_img"), Path.unlink), Fault.MISSING, 1, "img.jpg"),
    "another picture": (
        on(lambda f: f.picture(1, "ocr_res_img"), lambda p: p.write_bytes(b"x")),
        Fault.DIFFERS,
        1,
        "img.jpg",
    ),
    "no text": (on(lambda f: f.text, Path.unlink), Fault.MISSING, None, "document.txt is missing"),
    "another text": (on(lambda f: f.text, lambda p: p.write_text("x")), Fault.DIFFERS, None, "document.txt"),
    "a page too many": (on(lambda f: f.page(4), lambda p: p.write_text("{}")), Fault.STRAY, 4, "beyond"),
    "another's manifest": (manifest(lambda m: m.update(id="0" * 32)), Fault.RECORD, None, "that of document"),
    "a page left out": (manifest(lambda m: m["pages"].pop(1)), Fault.RECORD, None, "every page once"),
    "no reason": (manifest(lambda m: m["pages"][1].update(reason=None)), Fault.RECORD, 2, "without a reason"),
    "no pages": (manifest(lambda m: m.update(pages=[])), Fault.RECORD, None, "has no pages"),
    "no result": (manifest(lambda m: m["pages"][0].update(result=None)), Fault.MISSING, 1, "is missing"),
    "open again": (
        lambda desk, folder: desk.context.results.create(
            folder.reopening,
            Reopening(generation=2, created=0).model_dump_json().encode(),
            content_type="application/json",
        ),
        Fault.OPEN,
        None,
        "being worked on again",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_kind_of_damage_is_found(desk: Desk, pool: ThreadPoolExecutor, name: str) -> None:
    damage, fault, page, words = DAMAGES[name]
    damage(desk, read(desk))
    problems = audited(desk, pool).problems
    assert (problems[0].fault, problems[0].page) == (fault, page)
    assert words in problems[0].sentence
    assert len(problems) <= 2


def test_a_cancelled_document_is_complete_as_it_stands(desk: Desk, pool: ThreadPoolExecutor) -> None:
    desk.pdf(pages=5)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.step()
    folder = desk.folder(document)
    desk.store.status.cancel(document)
    desk.recover()
    desk.path(folder.page(4)).write_text('{"state": "done"}')  # it was in hand
    assert audited(desk, pool).problems == []


def test_rejected_documents_are_complete(desk: Desk, pool: ThreadPoolExecutor) -> None:
    desk.pdf()
    desk.ingest(options={"dpi": 1})
    desk.work()
    found = audited(desk, pool)
    assert (found.problems, found.state, found.pages) == ([], "rejected", 0)
