from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import ServiceError
from infra.settings import load_settings
from worker.stack.address import find_stack, published, write_private


def test_the_settings_come_back_while_the_stack_runs_and_no_longer(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "broker_url": "redis+socket:///tmp/x.sock",
            "results": str(tmp_path / "results"),
            "sources": [str(tmp_path / "in box")],
            "s3": {"endpoint": "http://127.0.0.1:1", "access_key": "a", "secret_key": "s"},
            "pipeline": {"engine": "fake", "engine_config": {"threads": 2}},
        }
    )
    with published(tmp_path, settings) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        assert find_stack(tmp_path) == settings
    with pytest.raises(ServiceError, match="no stack is running"):
        find_stack(tmp_path)


def test_a_folder_that_is_not_there_runs_no_stack(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no stack is running"):
        find_stack(tmp_path / "gone")


def test_a_private_file_replaces_one_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
