from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.inbox.folder import FolderWatch, documents
from worker.inbox.names import is_document


def put(root: Path, key: str, data: bytes = b"x") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def announced(watch: FolderWatch, polls: int = 3) -> list[str]:
    return [key for _ in range(polls) for key in watch.poll()]


def test_a_file_is_announced_once_it_is_the_same_in_two_polls(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    put(tmp_path, "a.pdf")
    assert watch.poll() == []
    assert watch.poll() == ["a.pdf"]
    assert watch.poll() == []


def test_a_file_that_is_still_growing_waits(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    path = put(tmp_path, "scan.tif", b"1")
    watch.poll()
    for size in (2, 3, 4):
        path.write_bytes(b"1" * size)
        assert watch.poll() == []
    assert watch.poll() == ["scan.tif"]


def test_a_file_whose_time_alone_moves_waits_too(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    path = put(tmp_path, "a.pdf")
    watch.poll()
    os.utime(path, ns=(0, 1))
    assert watch.poll() == []
    assert watch.poll() == ["a.pdf"]


def test_a_changed_file_is_announced_again(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    path = put(tmp_path, "a.pdf")
    assert announced(watch) == ["a.pdf"]
    path.write_bytes(b"another")
    assert announced(watch) == ["a.pdf"]


def test_a_file_replaced_by_one_of_equal_size_and_time_is_announced_again(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    path = put(tmp_path, "a.pdf", b"one")
    os.utime(path, ns=(0, 7))
    assert announced(watch) == ["a.pdf"]
    other = put(tmp_path, ".upload", b"two")
    os.utime(other, ns=(0, 7))
    other.replace(path)
    assert announced(watch) == ["a.pdf"]


def test_a_file_that_went_and_came_back_is_announced_again(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    path = put(tmp_path, "a.pdf")
    os.utime(path, ns=(0, 7))
    assert announced(watch) == ["a.pdf"]
    path.unlink()
    assert announced(watch) == []
    os.utime(put(tmp_path, "a.pdf"), ns=(0, 7))
    assert announced(watch) == ["a.pdf"]


def test_a_file_that_could_not_be_handed_on_is_announced_again(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    put(tmp_path, "a.pdf")
    assert announced(watch) == ["a.pdf"]
    watch.forget("a.pdf")
    assert watch.poll() == ["a.pdf"]


def test_a_new_watch_announces_what_lies_there(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf")
    assert announced(FolderWatch(tmp_path)) == ["a.pdf"]
    assert announced(FolderWatch(tmp_path)) == ["a.pdf"]


def test_subfolders_are_watched_and_keys_use_slashes(tmp_path: Path) -> None:
    put(tmp_path, "2026/may/a b.pdf")
    put(tmp_path, "z.png")
    assert [key for key, _ in documents(tmp_path)] == ["z.png", "2026/may/a b.pdf"]


def test_a_linked_file_counts_and_a_linked_folder_or_a_broken_link_does_not(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    target = put(tmp_path, "elsewhere/a.pdf")
    (inbox / "linked.pdf").symlink_to(target)
    (inbox / "broken.pdf").symlink_to(tmp_path / "nothing")
    (inbox / "folder").symlink_to(target.parent)
    assert [key for key, _ in documents(inbox)] == ["linked.pdf"]


def test_what_is_not_a_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    assert list(documents(tmp_path)) == []


@pytest.mark.parametrize(
    "key",
    [
        "", "folder/", ".hidden.pdf", ".git/a.pdf", "deep/.trash/a.pdf", "a.pdf.part", "A.PDF.CrDownload",
        "a.pdf~", "~$letter.pdf", "a.pdf.pageline.json", "sub/a.pdf.pageline.json", "Thumbs.db", "x.tmp",
    ],
)  # fmt: skip
def test_names_that_are_no_documents(key: str) -> None:
    assert not is_document(key)


@pytest.mark.parametrize(
    "key", ["a.pdf", "A.JPG", "no-suffix", "a~b.png", "part", "x/y.z/a.pdf", "a.json", "tmp.tif"]
)
def test_names_that_are_documents(key: str) -> None:
    assert is_document(key)
