from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.inbox.gather import Found, NothingFound, gather, is_unicode

NOWHERE = Path("/nowhere")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"words")
    return path


def test_a_file_belongs_to_its_folder_and_a_folder_to_itself(tmp_path: Path) -> None:
    alone = put(tmp_path / "alone.png")
    put(tmp_path / "many" / "deep" / "a.pdf")
    put(tmp_path / "many" / "b.pdf")
    assert gather([alone, tmp_path / "many"], leave_out=NOWHERE).documents == [
        Found(tmp_path, "alone.png"),
        Found(tmp_path / "many", "b.pdf"),
        Found(tmp_path / "many", "deep/a.pdf"),
    ]


def test_a_document_named_twice_is_taken_once(tmp_path: Path) -> None:
    path = put(tmp_path / "a.pdf")
    assert gather([path, tmp_path, path], leave_out=NOWHERE).documents == [Found(tmp_path, "a.pdf")]


def test_results_that_lie_inside_the_folder_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf")
    put(tmp_path / "results" / "a.pdf" / "1234" / "document.json")
    assert gather([tmp_path], leave_out=tmp_path / "results").documents == [Found(tmp_path, "a.pdf")]


def test_relative_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "sub" / "a.pdf")
    monkeypatch.chdir(tmp_path)
    assert gather([Path("sub/a.pdf")], leave_out=Path("out")).documents == [Found(tmp_path / "sub", "a.pdf")]
    with pytest.raises(NothingFound):
        gather([Path("sub")], leave_out=Path("sub"))


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    hidden = put(tmp_path / ".scan.pdf")
    assert gather([hidden], leave_out=NOWHERE).documents == [Found(tmp_path, ".scan.pdf")]
    with pytest.raises(NothingFound, match="no PDF and no picture in"):
        gather([tmp_path], leave_out=NOWHERE)


def test_a_named_sidecar_is_passed_over_as_no_document_would_ever_come_of_it(tmp_path: Path) -> None:
    path, sidecar = put(tmp_path / "a.pdf"), put(tmp_path / "a.pdf.pageline.json")
    found = gather([path, sidecar], leave_out=NOWHERE)
    assert found.documents == [Found(tmp_path, "a.pdf")]
    assert found.passed_over == [sidecar]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingFound, match=r"no file or folder .*gone\.pdf"):
        gather([tmp_path / "gone.pdf"], leave_out=NOWHERE)


def test_in_folders_what_is_no_document_by_content_or_name_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "claims-to-be.pdf")
    script = put(tmp_path / "make.py")
    (tmp_path / "no-suffix").write_bytes(b"%PDF-1.7")
    found = gather([tmp_path], leave_out=NOWHERE)
    assert [one.key for one in found.documents] == ["claims-to-be.pdf", "no-suffix"]
    assert found.passed_over == [script]
    assert gather([script], leave_out=NOWHERE).documents == [Found(tmp_path, "make.py")]
    assert gather([tmp_path, script], leave_out=NOWHERE).passed_over == []


def test_a_name_that_is_not_unicode_is_set_apart(tmp_path: Path) -> None:
    try:
        path = put(tmp_path / os.fsdecode(b"\xff.pdf"))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    for asked in (tmp_path, path):
        found = gather([asked], leave_out=NOWHERE)
        assert found.documents == []
        assert found.unnamed == [path]
    assert not is_unicode(str(path))
