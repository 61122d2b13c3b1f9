"""The version that is announced is the version that is read, at real servers with versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crew import QUICK, write_pdf
from desk import Desk
from places import client_of

from infra.events import parse
from infra.settings import load_settings
from infra.status.states import DocumentState
from infra.storage import S3Options
from tasks.queues import SPLIT
from tasks.records import DocumentRef
from worker.stack.valkey import ValkeyHandle

BUCKET = "versions"


@dataclass
class Bucket:
    """A desk whose source is a bucket, and a client of that."""

    desk: Desk
    client: Any
    folder: Path

    def put(self, key: str, pages: int) -> dict[str, Any]:
        """Put a document of so many pages; the server's answer."""
        body = write_pdf(self.folder / f"{pages}.pdf", pages).read_bytes()
        answer: dict[str, Any] = self.client.put_object(Bucket=BUCKET, Key=f"in/{key}", Body=body)
        return answer

    def ref(self, key: str, put: dict[str, Any]) -> DocumentRef:
        """The announcement that an event of S3's makes of a PUT."""
        told = {"key": f"in/{key}", "eTag": put["ETag"].strip('"'), "versionId": put.get("VersionId")}
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": told}}
        (event,) = parse({"Records": [record]})
        return DocumentRef(source=f"s3://{BUCKET}/in", key=key, version=event.version, etag=event.etag)


@pytest.fixture(params=["seaweedfs", "moto"])
def bucket(tmp_path: Path, valkey: ValkeyHandle, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    server: Any = request.getfixturevalue("s3_server" if request.param == "seaweedfs" else "moto_server")
    options: S3Options = server if isinstance(server, S3Options) else server.options
    client = client_of(options)
    if BUCKET not in {found["Name"] for found in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    values = {"key_prefix": f"versions-{request.param}:", "results": str(tmp_path / "out"), "queue": QUICK}
    values |= {"sources": [f"s3://{BUCKET}/in"], "s3": options, "work_dir": tmp_path / "work"}
    desk = Desk(
        load_settings({"broker_url": valkey.broker_url, "defaults": {"visualize": False}, **values}), tmp_path
    )
    yield Bucket(desk, client, tmp_path)
    desk.lose()
    desk.store.close()


def versions(bucket: Bucket, status: str) -> None:
    bucket.client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})


def test_each_version_that_is_announced_is_read(bucket: Bucket) -> None:
    versions(bucket, "Enabled")
    try:
        puts = [bucket.put("kept.pdf", pages) for pages in (1, 2)]
        documents = [bucket.desk.take(bucket.ref("kept.pdf", put)) for put in puts]
        bucket.client.delete_object(Bucket=BUCKET, Key="in/kept.pdf")
        bucket.desk.work()
    finally:
        versions(bucket, "Suspended")
    found = [bucket.desk.document(document) for document in documents]
    assert [(one.pages, one.state) for one in found] == [
        (1, DocumentState.SUCCEEDED),
        (2, DocumentState.SUCCEEDED),
    ]
    told = [bucket.desk.manifest(document)["source"] for document in documents]
    assert [one["version"] for one in told] == [put["VersionId"] for put in puts]


def test_what_is_replaced_before_it_is_fetched_is_noticed(bucket: Bucket) -> None:
    first = bucket.put("replaced.pdf", 1)
    document = bucket.desk.take(bucket.ref("replaced.pdf", first))
    bucket.desk.work(until=SPLIT)
    second = bucket.put("replaced.pdf", 2)
    bucket.desk.work()
    newer = bucket.desk.take(bucket.ref("replaced.pdf", second))
    bucket.desk.work()
    assert bucket.desk.document(document).state is DocumentState.SUPERSEDED
    assert (bucket.desk.document(newer).pages, newer != document) == (2, True)


def test_what_is_deleted_before_it_is_looked_at_is_superseded(bucket: Bucket) -> None:
    put = bucket.put("deleted.pdf", 1)
    bucket.client.delete_object(Bucket=BUCKET, Key="in/deleted.pdf")
    document = bucket.desk.take(bucket.ref("deleted.pdf", put))
    bucket.desk.work()
    assert bucket.desk.document(document).state is DocumentState.SUPERSEDED
