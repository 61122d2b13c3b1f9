"""Secrets are named, and looked up when they are needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import SettingsError
from infra.secrets import is_reference, read_secret


def test_a_secret_is_found_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", " here ")
    (tmp_path / "secret").write_text("there\n")
    assert read_secret("env:A_SECRET") == "here"
    assert read_secret(f"file:{tmp_path}/secret") == "there"


def test_a_file_that_is_written_anew_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for text in ("old", "new"):
        path.write_text(text)
        assert read_secret(f"file:{path}") == text


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
def test_one_that_is_not_there_is_a_sentence(reference: str) -> None:
    with pytest.raises(SettingsError, match=reference):
        read_secret(reference)


def test_a_file_that_is_no_text_is_a_sentence_without_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xffhidden")
    with pytest.raises(SettingsError, match="cannot be read: UnicodeDecodeError") as raised:
        read_secret(f"file:{tmp_path}/secret")
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "env:", "file:", "file:relative", "hunter2", "ENV:A", " env:A"])
def test_a_secret_itself_is_no_reference_and_is_never_repeated(text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(SettingsError) as raised:
        read_secret(text)
    assert "hunter2" not in str(raised.value)
