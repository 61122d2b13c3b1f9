"""What only a directory does, or must not do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from unittest.mock import patch

import pytest
from places import race

from infra.errors import (
    AccessDenied,
    AlreadyExists,
    Changed,
    InvalidKey,
    NotFound,
    PreconditionFailed,
    StorageError,
    StorageUnavailable,
)
from infra.storage.directory import DirectoryStorage
from infra.storage.os_errors import translated


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def storage(root: Path) -> DirectoryStorage:
    return DirectoryStorage(root)


def create(storage: DirectoryStorage, key: str, data: bytes = b"data") -> None:
    storage.create(key, data, content_type="text/plain")


def test_keys_are_paths_and_nothing_else_is_left_behind(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "a/b/c.txt")
    found = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    assert sorted(found) == ["a", "a/b", "a/b/c.txt"]
    assert (root / "a/b/c.txt").read_bytes() == b"data"


def test_the_type_is_told_by_the_name_and_metadata_is_not_kept(storage: DirectoryStorage) -> None:
    for name, content_type in [
        ("x.pdf", "application/pdf"),
        ("x.JPG", "image/jpeg"),
        ("x.tiff", "image/tiff"),
        ("x", "application/octet-stream"),
    ]:
        info = storage.create(name, b"", content_type="a/b", metadata={"x": "y"})
        assert (info.content_type, info.metadata) == (content_type, {})


@pytest.mark.parametrize(
    "key", ["/absolute", "../outside", "a/../../outside", "a//b", "a/./b", "a/", ".", ".."]
)
def test_no_key_leads_out_of_the_root(storage: DirectoryStorage, tmp_path: Path, key: str) -> None:
    (tmp_path / "outside").write_text("secret")
    create(storage, "a/b")
    for act in (
        lambda: storage.read(key),
        lambda: storage.fetch(key, tmp_path / "copy"),
        lambda: create(storage, key),
        lambda: storage.replace(key, b"", if_match=None, content_type="a/b"),
        lambda: storage.delete(key),
    ):
        with pytest.raises(InvalidKey):
            act()
    assert (tmp_path / "outside").read_text() == "secret"


def test_no_link_leads_out_of_the_root(storage: DirectoryStorage, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    create(storage, "inside")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "file").symlink_to(tmp_path / "outside" / "secret")
    for key in ("folder/secret", "file"):
        with pytest.raises(InvalidKey, match="leads out"):
            storage.read(key)
        with pytest.raises(InvalidKey, match="leads out"):
            storage.replace(key, b"", if_match=None, content_type="a/b")
        with pytest.raises(InvalidKey, match="leads out"):
            storage.delete(key)
    with pytest.raises(InvalidKey, match="leads out"):
        create(storage, "folder/new")
    assert [info.key for info in storage.list("")] == ["inside"]
    assert list(storage.list("folder/")) == []
    assert list(storage.list("../outside/")) == []
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]


def test_links_within_the_root_are_followed(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "real/file", b"linked")
    (root / "link").symlink_to(root / "real" / "file")
    assert storage.read("link") == b"linked"
    assert [info.key for info in storage.list("")] == ["link", "real/file"]


def test_a_root_that_is_a_link_itself_is_fine(root: Path, tmp_path: Path) -> None:
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    create(DirectoryStorage(tmp_path / "link"), "a/b")
    assert (root / "a" / "b").exists()


def test_links_in_a_circle_end(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "a/file")
    (root / "a" / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    assert [info.key for info in storage.list("")] == ["a/file"]
    with pytest.raises(StorageError):
        storage.read("self")


def test_only_plain_files_are_objects(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "folder/file")
    os.mkfifo(root / "pipe")
    for key in ("folder", "pipe"):
        with pytest.raises(NotFound):
            storage.read(key)
        with pytest.raises(NotFound):
            storage.head(key)
    assert [info.key for info in storage.list("")] == ["folder/file"]


def test_a_folder_or_file_in_the_way_is_said(storage: DirectoryStorage) -> None:
    create(storage, "folder/file")
    with pytest.raises(InvalidKey, match="is a folder"):
        create(storage, "folder")
    with pytest.raises(InvalidKey):
        storage.replace("folder", b"", if_match=None, content_type="a/b")
    for key in ("folder/file/below", "folder/file/far/below"):
        with pytest.raises(InvalidKey, match="lies below a file"):
            create(storage, key)
        with pytest.raises(NotFound):
            storage.read(key)


def test_a_missing_root_is_empty(storage: DirectoryStorage) -> None:
    assert list(storage.list("")) == []
    with pytest.raises(NotFound):
        storage.read("x")
    storage.delete("x")


def test_a_version_that_is_no_more_has_changed(storage: DirectoryStorage, tmp_path: Path) -> None:
    create(storage, "x", b"one")
    old = storage.head("x").version
    new = storage.replace("x", b"two", if_match=old, content_type="a/b").version
    assert storage.read("x", version=new) == b"two"
    for act in (
        lambda: storage.head("x", old),
        lambda: storage.read("x", version=old),
        lambda: storage.fetch("x", tmp_path / "copy", version=old),
    ):
        with pytest.raises(Changed):
            act()


def test_every_replacement_has_an_etag_of_its_own(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "x", b"0000")
    # A clock that stands still, as a coarse one does between two quick writes; freed inodes are used again.
    os.utime(root / "x", ns=(2**62, 2**62))
    etags = {storage.head("x").etag}
    for number in range(20):
        etags.add(storage.replace("x", b"%04d" % number, if_match=None, content_type="a/b").etag)
    assert len(etags) == 21


def test_a_source_that_changes_while_it_is_copied_is_not_taken(
    storage: DirectoryStorage, root: Path, tmp_path: Path
) -> None:
    create(storage, "x", b"1" * (3 << 20))
    whole = storage._chunks

    def disturbed(key: str, source: BinaryIO, size: int) -> Iterator[bytes]:
        for chunk in whole(key, source, size):
            yield chunk
            with (root / "x").open("ab") as appended:
                appended.write(b"2")

    with patch.object(storage, "_chunks", disturbed), pytest.raises(Changed):
        storage.fetch("x", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_hard_links_one_creator_still_wins(
    storage: DirectoryStorage, root: Path, number: int
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(number, "no links here")

    with patch("os.link", no_links):
        outcomes = race(16, lambda n: create(storage, "x", b"%02d" % n * 500))
    winners = [n for n, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]
    assert len(winners) == 1, outcomes
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 15, outcomes
    assert storage.read("x") == b"%02d" % winners[0] * 500
    assert {path.name for path in root.iterdir()} == {"x", ".pageline-lock"}


def test_a_writer_that_fails_half_way_leaves_nothing(storage: DirectoryStorage, root: Path) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with patch("os.fsync", full), pytest.raises(StorageUnavailable, match="No space left") as caught:
        create(storage, "folder/x")
    assert caught.value.retryable
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_leftovers_of_killed_writers_are_not_listed(storage: DirectoryStorage, root: Path) -> None:
    create(storage, "x")
    (root / ".pageline-tmp-0123456789abcdef").write_text("half")
    (root / ".pageline-lock").touch()
    assert [info.key for info in storage.list("")] == ["x"]


def test_names_that_are_no_text_are_still_keys(storage: DirectoryStorage, root: Path) -> None:
    root.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).write_text("latin")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (key,) = [info.key for info in storage.list("")]
    assert storage.read(key) == b"latin"
    with pytest.raises(InvalidKey):
        storage.read("\ud800")  # no bytes stand for this one


def test_a_name_that_is_too_long_is_said(storage: DirectoryStorage) -> None:
    with pytest.raises(InvalidKey):
        create(storage, "n" * 300)
    with pytest.raises(InvalidKey):
        storage.head("n" * 300)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody in particular for a while: to root nothing is forbidden."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_is_forbidden_is_denied() -> None:
    # Not below tmp_path, which other users may not enter.
    with TemporaryDirectory(dir="/tmp") as name:
        root = Path(name)
        root.chmod(0o755)
        storage = DirectoryStorage(root)
        for key, mode in [("x", 0), ("y", 0o644)]:
            create(storage, key)
            (root / key).chmod(mode)
        with without_privileges():
            with pytest.raises(AccessDenied):
                storage.read("x")
            assert storage.read("y") == b"data"
            assert [info.key for info in storage.list("")] == ["x", "y"]


@pytest.mark.parametrize(
    ("number", "kind", "retryable"),
    [
        (errno.ENOENT, NotFound, False),
        (errno.EACCES, AccessDenied, False),
        (errno.EROFS, AccessDenied, False),
        (errno.ENAMETOOLONG, InvalidKey, False),
        (errno.ENOSPC, StorageUnavailable, True),
        (errno.ESTALE, StorageUnavailable, True),
        (errno.EIO, StorageUnavailable, True),
        (errno.EBADF, StorageError, False),
    ],
)
def test_errors_of_the_system_are_told_apart(number: int, kind: type[StorageError], retryable: bool) -> None:
    with pytest.raises(StorageError, match=r"here: .") as caught, translated("here"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert isinstance(caught.value.__cause__, OSError)


def test_a_lost_update_is_noticed_across_a_deletion(storage: DirectoryStorage) -> None:
    create(storage, "x", b"same")
    old = storage.head("x").etag
    storage.delete("x")
    with pytest.raises(PreconditionFailed):
        storage.replace("x", b"new", if_match=old, content_type="a/b")
