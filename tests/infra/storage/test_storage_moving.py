"""What becomes of objects after they were written: deleted, copied, tagged, and only those that are meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from places import Place, client_of

from infra.errors import AlreadyExists, Changed, NotFound, StorageError
from infra.storage import Location, S3Options, open_storage
from infra.storage.base import IMMUTABLE, NO_CACHE

BUCKET = "behaviour"


def elsewhere(place: Place, tmp_path: Path, name: str) -> Location:
    """A key that another storage than the place's would look at."""
    if place.kind == "directory":
        return Location("file", str(tmp_path / "archive"), name)
    return Location("s3", BUCKET, f"{place.prefix}archive/{name}")


def opened(location: Location, s3: S3Options | None) -> tuple[Any, str]:
    return open_storage(location, s3), location.key


@pytest.fixture
def s3(place: Place, request: pytest.FixtureRequest) -> S3Options | None:
    return None if place.kind == "directory" else request.getfixturevalue(f"{place.kind}_options")


def test_only_the_content_that_is_meant_is_deleted(place: Place) -> None:
    key = place.put("x", b"old")
    old = place.storage.head(key).etag
    place.storage.replace(key, b"newer", if_match=old, content_type="text/plain")
    with pytest.raises(Changed):
        place.storage.delete(key, etag=old)
    assert place.storage.read(key) == b"newer"
    place.storage.delete(key, etag=place.storage.head(key).etag)
    assert place.names() == []
    place.storage.delete(key, etag=old)  # it is gone, as was asked


def test_a_copy_has_the_content_and_what_is_known_of_it(
    place: Place, s3: S3Options | None, tmp_path: Path
) -> None:
    name = "a ü//b.pdf" if place.kind == "moto" else "a ü.pdf"
    key = place.key("in/x.pdf")
    metadata = {"from": "me"}
    there = place.storage.create(key, b"data", content_type="application/pdf", metadata=metadata)
    to = elsewhere(place, tmp_path, name)
    copied = place.storage.copy(key, to, etag=there.etag, version=there.version)
    assert (copied.size, copied.content_type) == (4, "application/pdf")
    assert place.kind == "directory" or copied.metadata == metadata
    storage, at = opened(to, s3)
    assert storage.read(at) == b"data"
    with pytest.raises(AlreadyExists):
        place.storage.copy(key, to)
    with pytest.raises(Changed):
        place.storage.copy(key, elsewhere(place, tmp_path, "y"), etag="other")
    with pytest.raises(NotFound):
        place.storage.copy(place.key("absent"), elsewhere(place, tmp_path, "y"))


def test_of_several_versions_only_the_one_that_is_named_is_touched(s3_options: S3Options) -> None:
    bucket = f"moving-{uuid4().hex[:8]}"
    client = client_of(s3_options)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    storage = open_storage(Location("s3", bucket), s3_options)
    old = storage.create("x", b"old", content_type="a/b")
    new = storage.replace("x", b"newer", if_match=old.etag, content_type="a/b")
    copied = storage.copy("x", Location("s3", bucket, "y"), version=old.version, etag=old.etag)
    assert storage.read("y") == b"old"
    assert copied.size == 3
    storage.tag("x", {"state": "done"}, version=old.version)
    assert old.version is not None
    tags = client.get_object_tagging(Bucket=bucket, Key="x", VersionId=old.version)["TagSet"]
    assert tags == [{"Key": "state", "Value": "done"}]
    assert client.get_object_tagging(Bucket=bucket, Key="x")["TagSet"] == []
    storage.delete("x", version=old.version, etag=old.etag)
    assert storage.read("x") == b"newer"
    assert storage.head("x").version == new.version
    with pytest.raises(NotFound):
        storage.read("x", version=old.version)
    storage.delete("x", version=old.version, etag=old.etag)


def test_a_tag_joins_those_that_are_there(s3_options: S3Options) -> None:
    storage, key = open_storage(Location("s3", BUCKET), s3_options), f"{uuid4().hex}/x"
    storage.create(key, b"x", content_type="a/b")
    storage.tag(key, {"a": "1", "b": "2"})
    storage.tag(key, {"b": "3", "c/d": "e-f"})
    found = client_of(s3_options).get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"a": "1", "b": "3", "c/d": "e-f"}
    with pytest.raises(NotFound):
        storage.tag(f"{key}y", {"a": "1"})


def test_a_file_has_no_tags(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="files have no tags"):
        open_storage(Location.parse(tmp_path)).tag("x", {"a": "1"})


@pytest.mark.parametrize("size", [1, (5 << 20) + 1])
def test_everything_that_is_written_says_how_it_may_be_kept(s3_options: S3Options, size: int) -> None:
    storage, key = open_storage(Location("s3", BUCKET), s3_options), f"{uuid4().hex}/x"
    client = client_of(s3_options)

    def said() -> tuple[str, str]:
        answer = client.head_object(Bucket=BUCKET, Key=key)
        return answer["CacheControl"], answer["ContentType"]

    there = storage.create(key, b"x" * size, content_type="image/jpeg", cache_control=IMMUTABLE)
    assert said() == (IMMUTABLE, "image/jpeg")
    storage.replace(key, b"y" * size, if_match=there.etag, content_type="text/plain")
    assert said() == (NO_CACHE, "text/plain")
    storage.copy(key, Location("s3", BUCKET, f"{key}2"))
    key = f"{key}2"
    assert said() == (NO_CACHE, "text/plain")


@pytest.mark.parametrize("size", [1, (5 << 20) + 1])
@pytest.mark.parametrize(
    ("encryption", "kms_key"), [("AES256", None), ("aws:kms", "arn:aws:kms:us-east-1:123456789012:key/k")]
)
def test_every_way_of_writing_asks_for_encryption(
    moto_options: S3Options, size: int, encryption: Any, kms_key: str | None
) -> None:
    options = replace(moto_options, encryption=encryption, kms_key=kms_key)
    storage, key = open_storage(Location("s3", BUCKET), options), f"{uuid4().hex}/x"
    client = client_of(options)
    asked: list[tuple[str, Any, Any]] = []

    def watch(params: dict[str, Any], model: Any, **_: object) -> None:
        headers = params["headers"]
        how = headers.get("x-amz-server-side-encryption")
        asked.append((model.name, how, headers.get("x-amz-server-side-encryption-aws-kms-key-id")))

    client.meta.events.register("before-call.s3", watch)
    there = storage.create(key, b"x" * size, content_type="a/b")
    storage.replace(key, b"y" * size, if_match=there.etag, content_type="a/b")
    storage.copy(key, Location("s3", BUCKET, f"{key}2"))
    writing = [one for one in asked if one[0] in {"PutObject", "CreateMultipartUpload", "CopyObject"}]
    assert [one[0] for one in writing] == [
        "CreateMultipartUpload" if size > 5 << 20 else "PutObject",
        "CreateMultipartUpload" if size > 5 << 20 else "PutObject",
        "CopyObject",
    ]
    assert all(one[1:] == (encryption, kms_key) for one in writing)
    assert client.head_object(Bucket=BUCKET, Key=f"{key}2")["ServerSideEncryption"] == encryption
