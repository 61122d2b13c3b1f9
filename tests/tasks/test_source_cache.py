from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import race

from infra.errors import Changed
from infra.storage import Location, open_storage
from tasks.records import Source
from tasks.sourcecache import SourceCache, file_name


class Inbox:
    """A directory that counts how often something is fetched."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage: Any = open_storage(Location.parse(root))
        self.fetched: list[str] = []

    def source(self, key: str, size: int = 10) -> Source:
        (self.root / key).write_bytes(key[0].encode() * size)
        info = self.storage.head(key)
        return Source(uri="u", root="r", key=key, version=None, etag=info.etag, size=size)

    def open(self, uri: str) -> Any:
        outer = self

        class Counting:
            def fetch(self, key: str, path: Path, **kwargs: Any) -> Any:
                outer.fetched.append(key)
                return outer.storage.fetch(key, path, **kwargs)

        return Counting()


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    (tmp_path / "in").mkdir()
    return Inbox(tmp_path / "in")


def test_a_source_is_fetched_once_and_keeps_its_name(inbox: Inbox, tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "work", 1000, used=tmp_path / "work" / "used" / "w")
    source = inbox.source("a.pdf")
    for _ in range(3):
        with cache.source(source, "t", inbox.open) as path:
            assert path.name == "a.pdf"
            assert path.read_bytes() == b"a" * 10
        assert not path.exists()
    assert inbox.fetched == ["a.pdf"]


def test_tenants_do_not_share(inbox: Inbox, tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "work", 1000, used=tmp_path / "work" / "used" / "w")
    source = inbox.source("a.pdf")
    for tenant in ("one", "two"):
        with cache.source(source, tenant, inbox.open):
            pass
    assert len(inbox.fetched) == 2


def test_processes_that_want_the_same_fetch_it_once(inbox: Inbox, tmp_path: Path) -> None:
    source = inbox.source("a.pdf", 10_000)

    def one(number: int) -> bytes:
        with SourceCache(tmp_path / "work", 1000, used=tmp_path / f"w{number}").source(
            source, "t", inbox.open
        ) as path:
            return path.read_bytes()

    assert race(8, one) == [b"a" * 10_000] * 8
    assert inbox.fetched == ["a.pdf"]


def test_the_oldest_go_when_room_is_needed_but_not_from_whoever_uses_them(
    inbox: Inbox, tmp_path: Path
) -> None:
    cache = SourceCache(tmp_path / "work", 25, used=tmp_path / "work" / "used" / "w")
    sources = [inbox.source(f"{letter}.pdf") for letter in "abc"]
    with cache.source(sources[0], "t", inbox.open) as first:
        for place in (tmp_path / "work" / "sources").iterdir():
            os.utime(place, (1, 1))
        for source in sources[1:]:
            with cache.source(source, "t", inbox.open):
                pass
        assert first.read_bytes() == b"a" * 10
    kept = sorted(path.name for path in (tmp_path / "work" / "sources").rglob("*.pdf"))
    assert kept == ["b.pdf", "c.pdf"]


def test_one_larger_than_the_cache_is_still_had(inbox: Inbox, tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "work", 0, used=tmp_path / "work" / "used" / "w")
    with cache.source(inbox.source("a.pdf", 99), "t", inbox.open) as path:
        assert path.stat().st_size == 99


def test_all_that_is_there_is_not_looked_at_for_every_source(inbox: Inbox, tmp_path: Path) -> None:
    class Looking(SourceCache):
        looks = 0

        def _evict(self, keep: Path, room: int | None = None) -> bool:
            self.looks += 1
            return super()._evict(keep, room)

    cache = Looking(tmp_path / "work", 1 << 30, used=tmp_path / "work" / "used" / "w")
    for number in range(50):
        with cache.source(inbox.source(f"{number}.pdf"), "t", inbox.open):
            pass
    assert cache.looks == 1


def test_it_stays_within_its_limit_however_much_passes_through(inbox: Inbox, tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "work", 1 << 20, used=tmp_path / "work" / "used" / "w")
    for number in range(60):
        with cache.source(inbox.source(f"{number}.pdf", 50_000), "t", inbox.open):
            pass
        kept = sum(path.stat().st_size for path in (tmp_path / "work" / "sources").rglob("*.pdf"))
        assert kept <= (1 << 20) + 50_000
    assert kept > 1 << 19


def test_a_source_that_has_changed_is_not_had(inbox: Inbox, tmp_path: Path) -> None:
    cache = SourceCache(tmp_path / "work", 1000, used=tmp_path / "work" / "used" / "w")
    source = inbox.source("a.pdf")
    inbox.source("a.pdf", 11)
    with pytest.raises(Changed), cache.source(source, "t", inbox.open):
        pass
    assert not list((tmp_path / "work" / "used").rglob("*.pdf"))


def test_what_a_dead_process_used_is_cleaned_by_its_successor_alone(inbox: Inbox, tmp_path: Path) -> None:
    source = inbox.source("a.pdf")
    dead, other = (SourceCache(tmp_path / "work", 1000, used=tmp_path / name) for name in ("w1", "w2"))
    with dead.source(source, "t", inbox.open) as one, other.source(source, "t", inbox.open) as two:
        SourceCache(tmp_path / "work", 1000, used=tmp_path / "w1").clean()
        assert not one.exists()
        assert two.exists()


@given(st.text(max_size=300))
def test_any_key_gives_a_file_name(key: str) -> None:
    name = file_name(key)
    assert 0 < len(name.encode("utf-8", "replace")) <= 255
    assert name not in (".", "..")
    assert "/" not in name
    assert "\0" not in name


def test_a_long_name_keeps_its_ending() -> None:
    assert file_name("a/" + "x" * 300 + ".pdf").endswith("x.pdf")
    assert file_name("a/b.c.pdf") == "b.c.pdf"
    assert file_name("a/") == "document"
