"""What a location given to `pageline submit` means; the command itself is run in `test_cli_up.py`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.settings import Settings, load_settings
from tasks.records import DocumentRef
from worker.cli.announcing import asked_for, check, documents_at
from worker.cli.errors import UsageError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return load_settings({"results": str(tmp_path / "results"), "sources": [str(inbox)]})


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_a_file_elsewhere_belongs_to_its_own_folder(tmp_path: Path, settings: Settings) -> None:
    path = put(tmp_path / "else where" / "a.pdf")
    (ref,) = documents_at(str(path), settings)
    assert ref == DocumentRef(source=path.parent.as_uri(), key="a.pdf")


def test_a_file_in_a_source_belongs_to_that_source(tmp_path: Path, settings: Settings) -> None:
    path = put(tmp_path / "inbox" / "deep" / "a.pdf")
    expected = DocumentRef(source=(tmp_path / "inbox").as_uri(), key="deep/a.pdf")
    assert list(documents_at(str(path), settings)) == [expected]
    assert list(documents_at(str(path.parent), settings)) == [expected]
    assert list(documents_at(path.as_uri(), settings)) == [expected]


def test_a_folder_means_all_documents_in_it_but_results(tmp_path: Path, settings: Settings) -> None:
    put(tmp_path / "b.pdf")
    put(tmp_path / "results" / "b.pdf" / "1d" / "document.json")
    put(tmp_path / "inbox" / "a.pdf")
    refs = list(documents_at(str(tmp_path), settings))
    assert [(Path(ref.source).name, ref.key) for ref in refs] == [
        (tmp_path.name, "b.pdf"),
        ("inbox", "a.pdf"),
    ]


@pytest.mark.parametrize("name", ["gone.pdf", "inbox", "results"])
def test_a_place_without_documents_is_an_error(tmp_path: Path, settings: Settings, name: str) -> None:
    with pytest.raises(UsageError):
        list(documents_at(str(tmp_path / name), settings))


def test_what_cannot_be_announced_is_an_error_and_not_left_out(tmp_path: Path, settings: Settings) -> None:
    put(tmp_path / "a.pdf")
    sidecar = put(tmp_path / "a.pdf.pageline.json")
    with pytest.raises(UsageError, match="no document at"):
        list(documents_at(str(sidecar), settings))
    try:
        put(tmp_path / os.fsdecode(b"\xff.pdf"))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    with pytest.raises(UsageError, match="not Unicode"):
        list(documents_at(str(tmp_path), settings))


def test_what_is_asked_for_is_checked_before_anything_is_announced(settings: Settings) -> None:
    ref = DocumentRef(source=settings.sources[0], key="a.pdf")
    found = asked_for(ref, ["visualize-scale=0.5", "outputs=txt,md"], "default")
    assert found.options == {"visualize_scale": 0.5, "outputs": "txt,md"}
    check(found, settings)
    with pytest.raises(UsageError, match="NAME=VALUE"):
        asked_for(ref, ["dpi"], "default")
    with pytest.raises(UsageError, match="did you mean dpi"):
        check(asked_for(ref, ["dpj=3"], "default"), settings)
    with pytest.raises(UsageError, match="no tenant 'acme'"):
        check(asked_for(ref, [], "acme"), settings)
