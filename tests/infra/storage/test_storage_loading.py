"""What is loaded and connected, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from infra.storage import S3Options
from infra.storage.s3_client import client_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def loaded_after(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.split())


def test_naming_places_loads_no_storage() -> None:
    modules = loaded_after("import infra.storage, infra.errors, infra.storage.keys")
    assert not modules & {"boto3", "botocore", "filelock", "infra.storage.s3", "infra.storage.directory"}


def test_a_directory_loads_no_s3() -> None:
    modules = loaded_after("from infra.storage import *; open_storage(Location.parse('/tmp'))")
    assert "infra.storage.directory" in modules
    assert not modules & {"boto3", "botocore"}


def test_each_process_has_one_client_for_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    options = S3Options(endpoint="http://127.0.0.1:1", access_key="a", secret_key="b")
    client = client_for(options)
    assert client_for(S3Options(endpoint="http://127.0.0.1:1", access_key="a", secret_key="b")) is client
    assert client_for(S3Options(endpoint="http://127.0.0.1:1", access_key="a", secret_key="c")) is not client
    monkeypatch.setattr(os, "getpid", lambda: -1)  # connections must not be shared with a forked child
    assert client_for(options) is not client


def test_other_servers_are_addressed_by_path_and_amazon_s_by_its_own_rules() -> None:
    other = client_for(S3Options(endpoint="http://127.0.0.1:1", access_key="a", secret_key="b"))
    assert other.meta.region_name == "us-east-1"
    assert config(other).s3["addressing_style"] == "path"
    amazon = client_for(S3Options(region="eu-central-1", access_key="a", secret_key="b", attempts=2))
    assert amazon.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert config(amazon).s3 is None
    assert config(amazon).retries["mode"] == "standard"
    assert config(amazon).retries["total_max_attempts"] == 2


def config(client: S3Client) -> Any:
    return client.meta.config
