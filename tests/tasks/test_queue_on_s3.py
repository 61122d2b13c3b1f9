"""The whole way over a real S3 server: announcements with ETags, conditional writes, metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crew import QUICK, write_pdf
from desk import Desk
from places import client_of

from infra.settings import load_settings
from infra.status.states import DocumentState
from tasks.records import DocumentRef
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle

SOURCE = "s3://queue-in/letters"


@pytest.fixture
def desk_on_s3(tmp_path: Path, valkey: ValkeyHandle, s3_server: SeaweedHandle) -> Any:
    options = s3_server.options
    client = client_of(options)
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in {"queue-in", "queue-out"} - there:
        client.create_bucket(Bucket=bucket)
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": "s3:",
            "results": "s3://queue-out/results",
            "sources": [SOURCE],
            "s3": options,
            "work_dir": tmp_path / "work",
            "queue": QUICK,
        }
    )
    desk = Desk(settings, tmp_path)
    yield desk, client
    for key in desk.store.client.scan_iter("s3:*"):
        desk.store.client.delete(key)
    desk.store.close()


def test_a_document_in_a_bucket_comes_out_whole(desk_on_s3: tuple[Desk, Any], tmp_path: Path) -> None:
    desk, client = desk_on_s3
    path = write_pdf(tmp_path / "a b.pdf", 4)
    body = path.read_bytes()
    put = client.put_object(
        Bucket="queue-in", Key="letters/2024/a b.pdf", Body=body, Metadata={"pageline-dpi": "72"}
    )
    ref = DocumentRef(source=SOURCE, key="2024/a b.pdf", etag=put["ETag"])
    for _ in range(2):
        desk.tools.send("pageline.ingest", [ref.model_dump(mode="json")], "control")
    desk.work()
    (document,) = desk.store.listing.recent()
    assert (document.state, document.done) == (DocumentState.SUCCEEDED, 4)
    assert document.source == "s3://queue-in/letters/2024/a b.pdf"
    assert document.folder == f"results/2024/a%20b.pdf/{document.id}"
    listed = client.list_objects_v2(Bucket="queue-out", Prefix=document.folder)["Contents"]
    names = sorted(entry["Key"].removeprefix(f"{document.folder}/") for entry in listed)
    assert names == sorted(
        ["document.json", "document.txt", "request.json"]
        + [f"pages/{n:05d}{end}" for n in range(1, 5) for end in (".json", "_ocr_res_img.jpg")]
    )
    found = client.get_object(Bucket="queue-out", Key=f"{document.folder}/document.json")
    manifest = json.loads(found["Body"].read())
    assert found["ContentType"] == "application/json"
    assert manifest["options"]["dpi"] == 72
    assert manifest["source"]["etag"] == put["ETag"].strip('"')
    assert manifest["source"]["size"] == len(body)


def test_an_object_replaced_before_it_was_looked_at_is_superseded(
    desk_on_s3: tuple[Desk, Any], tmp_path: Path
) -> None:
    desk, client = desk_on_s3
    first, second = (write_pdf(tmp_path / f"{n}.pdf", n).read_bytes() for n in (1, 2))
    old = client.put_object(Bucket="queue-in", Key="letters/r.pdf", Body=first)
    new = client.put_object(Bucket="queue-in", Key="letters/r.pdf", Body=second)
    for put in (old, new):
        ref = DocumentRef(source=SOURCE, key="r.pdf", etag=put["ETag"])
        desk.tools.send("pageline.ingest", [ref.model_dump(mode="json")], "control")
    desk.work()
    states = {document.pages: document.state for document in desk.store.listing.recent()}
    assert states == {None: DocumentState.SUPERSEDED, 2: DocumentState.SUCCEEDED}
