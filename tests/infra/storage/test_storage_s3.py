"""What only S3 does, and what its servers may answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError
from places import client_of

from infra.errors import (
    AccessDenied,
    AlreadyExists,
    Changed,
    InvalidKey,
    NotFound,
    StorageError,
    StorageUnavailable,
)
from infra.storage import Location, S3Options, Storage, open_storage
from infra.storage.s3_errors import translated
from worker.stack.ports import free_ports
from worker.stack.seaweed import SeaweedHandle

BUCKET = "behaviour"
Answers = Callable[[str, list[tuple[int, str]]], None]


@pytest.fixture
def storage(s3_options: S3Options) -> Storage:
    return open_storage(Location("s3", BUCKET), s3_options)


@pytest.fixture
def key() -> str:
    return f"{uuid4().hex}/object"


@pytest.fixture
def answers(s3_options: S3Options) -> Iterator[Answers]:
    """Let the first requests of an operation be answered with (status, code) in place of the server."""
    events = client_of(s3_options).meta.events
    registered: list[tuple[str, Any]] = []

    def script(operation: str, left: list[tuple[int, str]]) -> None:
        def answer(request: Any, **_: object) -> AWSResponse | None:
            if not left:
                return None
            status, code = left.pop(0)
            body = f"<Error><Code>{code}</Code><Message>as asked</Message></Error>".encode()
            return AWSResponse(request.url, status, HTTPHeaders(), _Body(body))

        registered.append((f"before-send.s3.{operation}", answer))
        events.register(*registered[-1])

    yield script
    for name, handler in registered:
        events.unregister(name, handler)


class _Body:
    """The little of a response's body that is read of an error."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


def test_type_and_metadata_are_kept(storage: Storage, key: str) -> None:
    metadata = {"Pageline-Language": "de", "x": "1"}
    created = storage.create(key, b"x", content_type="application/pdf", metadata=metadata)
    for info in (created, storage.head(key)):
        assert info.content_type == "application/pdf"
        assert info.metadata == {"pageline-language": "de", "x": "1"}
    with pytest.raises(StorageError, match="ASCII"):
        storage.create(f"{key}2", b"x", content_type="a/b", metadata={"x": "ü"})


def test_old_versions_stay_readable(s3_options: S3Options, tmp_path: Path) -> None:
    bucket = f"versions-{uuid4().hex[:8]}"
    client = client_of(s3_options)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    storage = open_storage(Location("s3", bucket), s3_options)
    old = storage.create("x", b"old", content_type="a/b")
    new = storage.replace("x", b"newer", if_match=old.etag, content_type="a/b")
    assert old.version
    assert new.version
    assert old.version != new.version
    assert storage.head("x").version == new.version
    assert storage.head("x", old.version).size == 3
    assert storage.read("x", version=old.version) == b"old"
    assert storage.fetch("x", tmp_path / "copy", version=old.version, etag=old.etag).version == old.version
    assert (tmp_path / "copy").read_bytes() == b"old"


def test_a_bucket_that_is_not_there_is_not_found(s3_options: S3Options) -> None:
    storage = open_storage(Location("s3", "no-such-bucket"), s3_options)
    with pytest.raises(NotFound):
        list(storage.list(""))
    with pytest.raises(NotFound):
        storage.read("x")
    with pytest.raises(NotFound):
        storage.create("x", b"", content_type="a/b")


def test_a_wrong_secret_is_denied(s3_server: SeaweedHandle, seaweed_options: S3Options) -> None:
    assert seaweed_options.secret_key is not None
    for wrong in (
        replace(seaweed_options, secret_key="wrong"),
        replace(seaweed_options, access_key="nobody"),
    ):
        storage = open_storage(Location("s3", BUCKET), wrong)
        for act in (
            lambda storage=storage: storage.read("x"),
            lambda storage=storage: storage.head("x"),
            lambda storage=storage: list(storage.list("")),
            lambda storage=storage: storage.create("x", b"", content_type="a/b"),
        ):
            with pytest.raises(AccessDenied) as caught:
                act()
            assert seaweed_options.secret_key not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    (port,) = free_ports(1)
    options = S3Options(
        endpoint=f"http://127.0.0.1:{port}", access_key="a", secret_key="b", attempts=1, connect_timeout=1
    )
    with pytest.raises(StorageUnavailable, match="Could not connect") as caught:
        open_storage(Location("s3", BUCKET), options).read("x")
    assert caught.value.retryable


def test_a_server_that_stays_silent_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = S3Options(
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            access_key="a",
            secret_key="b",
            attempts=1,
            read_timeout=0.2,
        )
        with pytest.raises(StorageUnavailable, match="timeout") as caught:
            open_storage(Location("s3", BUCKET), options).read("x")
    assert caught.value.retryable


def test_missing_credentials_are_denied() -> None:
    with pytest.raises(AccessDenied, match="s3://bucket/x"), translated("s3://bucket/x"):
        raise NoCredentialsError


def test_credentials_that_cannot_be_had_for_the_moment_are_waited_for() -> None:
    with (
        pytest.raises(StorageUnavailable, match=r"s3://bucket/x: .* timed out") as told,
        translated("s3://bucket/x"),
    ):
        raise CredentialRetrievalError(provider="container-role", error_msg="timed out")
    assert told.value.retryable


def test_conflicting_conditional_writes_are_sent_again(storage: Storage, key: str, answers: Answers) -> None:
    answers("PutObject", [(409, "ConditionalRequestConflict")] * 3)
    storage.create(key, b"won in the end", content_type="a/b")
    assert storage.read(key) == b"won in the end"
    answers("PutObject", [(409, "ConditionalRequestConflict")] * 2)
    with pytest.raises(AlreadyExists):
        storage.create(key, b"late", content_type="a/b")


def test_conflicts_without_end_are_unavailable(storage: Storage, key: str, answers: Answers) -> None:
    answers("PutObject", [(409, "ConditionalRequestConflict")] * 100)
    with pytest.raises(StorageUnavailable):
        storage.create(key, b"", content_type="a/b")


def test_a_conflict_at_the_end_of_a_big_upload_sends_all_parts_again(
    storage: Storage, key: str, answers: Answers, tmp_path: Path, s3_options: S3Options
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(6 << 20))
    answers("CompleteMultipartUpload", [(409, "ConditionalRequestConflict")])
    storage.create(key, tmp_path / "big", content_type="a/b")
    assert storage.read(key) == (tmp_path / "big").read_bytes()
    pending = client_of(s3_options).list_multipart_uploads(Bucket=BUCKET, Prefix=key)
    assert pending.get("Uploads", []) == []


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (404, "NoSuchKey", NotFound, False),
        (403, "AccessDenied", AccessDenied, False),
        (400, "ExpiredToken", AccessDenied, False),
        (403, "RequestTimeTooSkewed", StorageUnavailable, True),
        (400, "KeyTooLongError", InvalidKey, False),
        (400, "InvalidRequest", StorageError, False),
        (400, "RequestTimeout", StorageUnavailable, True),
        (404, "NoSuchUpload", StorageUnavailable, True),
        (429, "TooManyRequests", StorageUnavailable, True),
        (500, "InternalError", StorageUnavailable, True),
        (503, "SlowDown", StorageUnavailable, True),
    ],
)
def test_answers_are_told_apart(
    moto_options: S3Options, status: int, code: str, kind: type[StorageError], retryable: bool
) -> None:
    options = replace(moto_options, attempts=1)
    events = client_of(options).meta.events

    def answer(request: Any, **_: object) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>as asked</Message></Error>".encode()
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(body))

    hook: tuple[str, Any] = ("before-send.s3.GetObject", answer)
    events.register(*hook)
    try:
        with pytest.raises(StorageError, match=f"s3://{BUCKET}/x: the server answered {code}") as caught:
            open_storage(Location("s3", BUCKET), options).read("x")
    finally:
        events.unregister(*hook)
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable


def test_passing_errors_are_retried(storage: Storage, key: str, answers: Answers) -> None:
    answers("PutObject", [(503, "SlowDown")])
    answers("GetObject", [(500, "InternalError")])
    storage.create(key, b"patience", content_type="a/b")
    assert storage.read(key) == b"patience"


def broken_once(client: Any, after: int) -> Any:
    """Let the first body that `get_object` returns break off after so many bytes."""
    whole = client.get_object
    calls: list[dict[str, Any]] = []

    def get_object(**arguments: Any) -> Any:
        calls.append(arguments)
        answer = whole(**arguments)
        if len(calls) == 1:
            answer["Body"]._raw_stream = _CutOff(answer["Body"]._raw_stream, after)
        return answer

    return patch.object(client, "get_object", get_object), calls


class _CutOff:
    """A body that ends early, as when a proxy closes the connection."""

    def __init__(self, body: Any, size: int) -> None:
        self._body = body
        self._left = size

    def read(self, size: int) -> bytes:
        chunk: bytes = self._body.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._body.close()


def test_a_broken_download_goes_on_where_it_broke(
    storage: Storage, key: str, s3_options: S3Options, tmp_path: Path
) -> None:
    content = os.urandom(3 << 20)
    etag = storage.create(key, content, content_type="a/b").etag
    patched, calls = broken_once(client_of(s3_options), 2 << 20)
    with patched:
        storage.fetch(key, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    assert [(call.get("Range"), call.get("IfMatch")) for call in calls] == [
        (None, None),
        (f"bytes={2 << 20}-", f'"{etag}"'),
    ]
    patched, calls = broken_once(client_of(s3_options), 1 << 20)
    with patched:
        assert storage.read(key, start=100, end=2 << 20) == content[100 : 2 << 20]
    assert calls[1]["Range"] == f"bytes={(1 << 20) + 100}-{(2 << 20) - 1}"


def test_a_broken_download_of_what_changed_meanwhile_is_not_patched_together(
    storage: Storage, key: str, s3_options: S3Options, tmp_path: Path
) -> None:
    storage.create(key, b"1" * (2 << 20), content_type="a/b")
    client = client_of(s3_options)
    patched, _ = broken_once(client, 1 << 20)

    def replaced(params: Any, **_: object) -> None:
        if "Range" in params:
            storage.replace(key, b"2" * (2 << 20), if_match=None, content_type="a/b")

    client.meta.events.register("before-parameter-build.s3.GetObject", replaced)
    try:
        with patched, pytest.raises(Changed):
            storage.fetch(key, tmp_path / "copy")
    finally:
        client.meta.events.unregister("before-parameter-build.s3.GetObject", replaced)
    assert list(tmp_path.iterdir()) == []


def test_opening_a_location_contacts_nobody_and_shows_no_secret() -> None:
    options = S3Options(
        endpoint="http://192.0.2.1:1", access_key="visible", secret_key="hidden", session_token="too"
    )
    open_storage(Location("s3", "bucket"), options)
    assert "hidden" not in repr(options)
    assert "too" not in repr(options)
