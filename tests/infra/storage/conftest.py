"""The same storage three times: a directory, a real S3 server, and moto's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from places import Place, client_of

from infra.storage import Location, S3Options, open_storage

BUCKET = "behaviour"
PART_BYTES = 5 << 20  # the least that S3 allows


@pytest.fixture(scope="session")
def seaweed_options(request: pytest.FixtureRequest) -> S3Options:
    server = request.getfixturevalue("s3_server")
    server.create_bucket(BUCKET)
    options: S3Options = server.options
    return replace(options, part_bytes=PART_BYTES)


@pytest.fixture(scope="session")
def moto_options(request: pytest.FixtureRequest) -> S3Options:
    options: S3Options = replace(request.getfixturevalue("moto_server"), part_bytes=PART_BYTES)
    client_of(options).create_bucket(Bucket=BUCKET)
    return options


@pytest.fixture(params=["seaweed", "moto"])
def s3_options(request: pytest.FixtureRequest) -> S3Options:
    options: S3Options = request.getfixturevalue(f"{request.param}_options")
    return options


@pytest.fixture(params=["directory", "seaweed", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    prefix = f"{uuid4().hex}/"
    if request.param == "directory":
        return Place("directory", open_storage(Location.parse(tmp_path / "root")), prefix)
    options = request.getfixturevalue(f"{request.param}_options")
    return Place(request.param, open_storage(Location.parse(f"s3://{BUCKET}"), options), prefix)
