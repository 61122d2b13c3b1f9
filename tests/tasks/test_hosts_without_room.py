"""What does not fit: sources beyond a limit are not fetched; full disks are borne for a while, no longer."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import StorageUnavailable
from infra.status.states import DocumentState
from infra.storage.directory import DirectoryStorage
from infra.storage.directory_listing import TEMPORARY_PREFIX
from tasks.queues import PAGES
from tasks.records import Source
from tasks.sourcecache import SourceCache

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def values() -> dict[str, Any]:
    return {"limits": {"max_bytes": 20_000}, "queue": {"retry_seconds": 0.01, "host_tries": 4}}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Have no host any room for sources; lists what it was asked to hold."""
    asked: list[str] = []

    def fetch(self: DirectoryStorage, key: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(key)
        raise FULL

    monkeypatch.setattr(DirectoryStorage, "fetch", fetch)
    return asked


def test_a_source_beyond_the_limit_is_refused_and_leaves_nothing_on_the_disk(desk: Desk) -> None:
    desk.pdf(pages=1).write_bytes(b"%PDF-" + bytes(30_000))
    document = desk.ingest()
    desk.work()
    found = desk.document(document)
    assert found.state is DocumentState.REJECTED
    assert found.reason == "a.pdf: 30005 bytes are more than max_bytes allows (20000)"
    assert not [path for path in desk.settings.work_dir.rglob("*") if path.is_file() and path.stat().st_size]


def test_a_source_larger_than_was_said_is_refused_while_it_comes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.pdf").write_bytes(bytes(3 << 20))
    cache = SourceCache(tmp_path / "work", 1 << 30, used=tmp_path / "work" / "used")
    heard: list[int] = []

    def told(size: int) -> None:
        heard.append(size)
        if len(heard) == 4:
            raise ValueError("too much")

    source = Source(uri="u", root="r", key="a.pdf", version=None, etag=None, size=10)
    storage: Callable[[str], Any] = lambda uri: DirectoryStorage(tmp_path / "in")  # noqa: E731  -- one line
    with pytest.raises(ValueError, match="too much"), cache.source(source, "t", storage, told):
        pass
    assert heard == [10, 3 << 20, 1 << 20, 2 << 20]
    assert not list((tmp_path / "work").rglob(f"{TEMPORARY_PREFIX}*"))
    assert not list((tmp_path / "work").rglob("a.pdf"))


def test_sources_nobody_uses_go_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    cache = SourceCache(tmp_path / "work", 1 << 30, used=tmp_path / "work" / "used")
    sources = [
        Source(uri="u", root="r", key=key, version=None, etag=None, size=10) for key in ("a.pdf", "b.pdf")
    ]
    for source in sources:
        (tmp_path / "in" / source.key).write_bytes(b"x" * 10)
    storage: Callable[[str], Any] = lambda uri: DirectoryStorage(tmp_path / "in")  # noqa: E731  -- one line
    with cache.source(sources[0], "t", storage):
        pass
    fetch = DirectoryStorage.fetch

    def tight(self: DirectoryStorage, key: str, *args: Any, **kwargs: Any) -> Any:
        if list((tmp_path / "work" / "sources").rglob("a.pdf")):
            raise FULL
        return fetch(self, key, *args, **kwargs)

    monkeypatch.setattr(DirectoryStorage, "fetch", tight)
    with cache.source(sources[1], "t", storage) as path:
        assert path.read_bytes() == b"x" * 10


def test_a_document_that_no_host_has_room_for_fails_after_a_while(desk: Desk, full: list[str]) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    rounds(desk)
    found = desk.document(document)
    assert found.state is DocumentState.FAILED
    assert found.reason == (
        "The service had no room on its disks to work on the document, each time it was tried."
    )
    assert len(full) == 4 + 3


def test_pages_that_no_host_has_room_for_fail_after_a_while(
    desk: Desk, request: pytest.FixtureRequest
) -> None:
    desk.pdf(pages=2)
    document = desk.ingest()
    desk.work(until=PAGES)
    for place in (desk.settings.work_dir / "sources").iterdir():
        for file in place.iterdir():
            file.unlink()
    request.getfixturevalue("full")
    rounds(desk)
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.FAILED, 2)


def test_a_storage_that_is_away_is_waited_for_however_long(desk: Desk, flaky: Flaky) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    flaky.refuse[("fetch", "a.pdf")] = StorageUnavailable("away")
    rounds(desk)
    flaky.refuse.clear()
    rounds(desk)
    assert desk.document(document).state is DocumentState.SUCCEEDED


def rounds(desk: Desk) -> None:
    for _ in range(12):
        desk.work()
        desk.due()
