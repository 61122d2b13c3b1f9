"""The storage is away while pages are written: what was read is kept, and bounded is what is tried."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import AccessDenied, StorageUnavailable
from infra.settings import QueueSettings
from infra.status.states import MAX_ATTEMPTS, DocumentState, PageState
from infra.storage.directory_listing import TEMPORARY_PREFIX
from tasks import rendering
from tasks.pagefiles import PageFiles
from tasks.places import Folder
from tasks.queues import PAGES
from tasks.records import PageFields
from tasks.spool import Emptying, Spool, SpooledPage

AWAY = StorageUnavailable("away")


def kept(desk: Desk) -> list[int]:
    """The numbers of the pages that are kept on disk."""
    spool = desk.context.spool
    pages = [spool.read(path) for path in spool.paths()]
    return [page.number for page in pages if page is not None]


def outage(desk: Desk, flaky: Flaky, *, pages: int = 3, error: Exception = AWAY, **options: Any) -> str:
    """A document whose pages are read while the storage takes none of them."""
    desk.pdf(pages=pages)
    document = desk.ingest(options=options)
    desk.work(until=PAGES)
    flaky.refuse["create", "/pages/"] = error
    desk.step()
    flaky.refuse.clear()
    return document


@pytest.mark.parametrize("error", [AWAY, AccessDenied("not yet"), OSError(28, "disk full")])
def test_pages_read_while_the_storage_takes_nothing_are_not_read_again(
    desk: Desk, flaky: Flaky, error: Exception
) -> None:
    document = outage(desk, flaky, error=error)
    assert desk.store.listing.pages(document) == [PageState.PENDING] * 3
    read = [page for page, count in desk.pipeline.reads.items() if count]
    assert kept(desk) == read
    assert 1 in read
    assert not desk.messages  # nobody waits: a delay is set
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys((1, 2, 3), 1))
    assert kept(desk) == []


@pytest.mark.parametrize(("refused", "tries"), [("/pages/00001", 6), ("/pages/00002", 1)])
def test_delays_grow_only_while_nothing_gets_through(
    desk: Desk, flaky: Flaky, refused: str, tries: int
) -> None:
    desk.pdf(pages=2)
    desk.ingest()
    desk.work(until=PAGES)
    task, arguments, queue = desk.messages.popleft()
    desk.messages.append((task, [*arguments[:-1], 5], queue))
    flaky.refuse["create", refused] = AWAY
    desk.step()
    (text,) = map(str, desk.store.client.zrange(desk.store.keys("delayed"), 0, -1))
    assert json.loads(text)["tries"] == tries


def test_pictures_are_kept_with_their_page(desk: Desk, flaky: Flaky) -> None:
    document = outage(desk, flaky, pages=1, visualize=True)
    desk.due()
    desk.work()
    (picture,) = desk.manifest(document)["pages"][0]["pictures"]
    data = desk.path(picture["key"]).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (picture["size"], picture["sha256"])
    assert desk.pipeline.reads == Counter({1: 1})


def test_another_host_finds_written_what_this_one_kept(desk: Desk, flaky: Flaky, tmp_path: Path) -> None:
    document = outage(desk, flaky)
    kept_here = len(kept(desk))
    assert emptying(desk)() == kept_here
    desk.context.spool = Spool(tmp_path / "elsewhere", 2**20)
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys((1, 2, 3), 1))


def test_a_page_brought_to_the_storage_while_its_range_begins_is_found(
    desk: Desk, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Racing(Spool):
        """Somebody empties it right after this process has looked."""

        def write(self, files: PageFiles, number: int) -> PageFields | None:
            found = None if number == 1 else super().write(files, number)
            emptying(desk)()
            return found

    document = outage(desk, flaky)
    monkeypatch.setattr(desk.context, "spool", Racing(desk.settings.work_dir, 2**20))
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys((1, 2, 3), 1))


def test_a_spool_without_room_has_the_pages_read_again(desk: Desk, flaky: Flaky) -> None:
    desk.context.spool = Spool(desk.settings.work_dir, 0)
    document = outage(desk, flaky, pages=1)
    assert kept(desk) == []
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter({1: 2})


def test_a_disk_that_fails_has_the_pages_read_again(
    desk: Desk, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(Spool, "put", broken)
    document = outage(desk, flaky, pages=1)
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter({1: 2})


@pytest.mark.parametrize("fault", ["damaged", "old"])
def test_what_is_worth_nothing_goes(desk: Desk, flaky: Flaky, fault: str) -> None:
    outage(desk, flaky, pages=1)
    (path,) = desk.context.spool.paths()
    if fault == "damaged":
        path.write_text(path.read_text()[:-10])
    else:
        os.utime(path, (1, 1))
    assert emptying(desk)() == 0
    assert not path.exists()


def test_results_that_somebody_removed_do_not_come_back(desk: Desk, flaky: Flaky) -> None:
    document = outage(desk, flaky, pages=1)
    folder = desk.folder(document)
    desk.path(folder.request).unlink()
    assert emptying(desk)() == 0
    assert kept(desk) == []
    assert not desk.path(folder.page(1)).exists()


def test_emptying_waits_after_a_failure(desk: Desk, flaky: Flaky) -> None:
    outage(desk, flaky, pages=1)
    empty = emptying(desk, retry_seconds=1000, retry_limit_seconds=1000)
    flaky.refuse["create", "/pages/"] = AWAY
    assert empty() == 0
    flaky.refuse.clear()
    assert empty() == 0  # too early
    assert kept(desk) == [1]
    assert emptying(desk)() == 1


def test_a_page_written_meanwhile_stays_as_it_is(desk: Desk, flaky: Flaky) -> None:
    document = outage(desk, flaky, pages=1)
    path = desk.path(desk.folder(document).page(1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"state": "done", "rec_texts": ["another host was quicker"]}))
    emptying(desk)()
    assert "another host was quicker" in path.read_text()
    assert kept(desk) == []


def test_errors_at_opening_that_nobody_expected_fail_the_pages_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Counter[str]()

    def broken(*_: object, **__: object) -> object:
        tried["opened"] += 1
        raise RuntimeError("a fault of the test's")

    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    monkeypatch.setattr(rendering, "open_document", broken)
    for _ in range(MAX_ATTEMPTS):
        desk.step()
        assert not desk.messages
        desk.due()
    desk.work()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.FAILED, 3)
    assert "could not be opened" in (found.reason or "")
    assert tried["opened"] == MAX_ATTEMPTS


def test_a_source_that_is_away_for_long_fails_no_page(desk: Desk, flaky: Flaky) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    for path in (desk.settings.work_dir / "sources").rglob("*.pdf"):
        path.unlink()
    flaky.refuse["fetch", "a.pdf"] = AWAY
    for _ in range(MAX_ATTEMPTS * 3):
        desk.step()
        desk.due()
    flaky.refuse.clear()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_an_error_of_the_storage_that_is_final_waits_for_whoever_mends_it(desk: Desk, flaky: Flaky) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    flaky.refuse["create", "document.json"] = AccessDenied("no")
    for _ in range(MAX_ATTEMPTS * 2):
        desk.work()
        desk.due()
    flaky.refuse.clear()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def emptying(desk: Desk, **queue: Any) -> Emptying:
    """What empties the desk's spool; with nothing to wait for unless `queue` says so."""

    def open_files(folder: str, generation: int) -> PageFiles:
        return PageFiles(desk.context.results, Folder(folder), generation)

    return Emptying(Spool(desk.settings.work_dir, 2**30), open_files, QueueSettings(**queue))


def test_a_spooled_page_is_plain_json() -> None:
    page = SpooledPage(
        folder="f", generation=1, number=1, mode="normal", res={"a": [1]}, pictures={"p": b"\xff\x00"}
    )
    assert SpooledPage.model_validate_json(page.model_dump_json()) == page


def test_what_dead_processes_left_half_written_goes_after_a_while(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    old, new = (tmp_path / "spool" / f"{TEMPORARY_PREFIX}{age}" for age in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    Spool(tmp_path, 0).clean()
    assert [path.name for path in (tmp_path / "spool").iterdir()] == [new.name]
