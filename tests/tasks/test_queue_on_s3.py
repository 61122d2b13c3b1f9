"""The whole way over a real S3 server: announcements with ETags, conditional writes, metadata."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crew import QUICK, write_pdf
from desk import Desk
from places import client_of

from infra.settings import load_settings
from infra.status.states import DocumentState
from tasks import walk
from tasks.audit import audit_document
from tasks.pagefiles import PageFiles
from tasks.queues import PAGES
from tasks.records import DocumentRef
from tasks.reopen import retry
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
        desk.tools.send("pageline.ingest", [ref.content()], "control")
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
        desk.tools.send("pageline.ingest", [ref.content()], "control")
    desk.work()
    states = {document.pages: document.state for document in desk.store.listing.recent()}
    assert states == {None: DocumentState.SUPERSEDED, 2: DocumentState.SUCCEEDED}


def test_a_loss_is_made_good_from_a_bucket(
    desk_on_s3: tuple[Desk, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, client = desk_on_s3
    monkeypatch.setattr(walk, "_MANY", 3)  # pages that are listed before the rest is skipped
    bodies = {name: write_pdf(tmp_path / name, 7).read_bytes() for name in ("lost.pdf", "losu.pdf")}
    documents = []
    for name, body in bodies.items():
        client.put_object(Bucket="queue-in", Key=f"letters/{name}", Body=body)
        documents.append(desk.take(DocumentRef(source=SOURCE, key=name)))
    desk.work(until=PAGES)
    folder = desk.folder(documents[0])
    desk.step()
    files = PageFiles(desk.context.results, folder)
    files.write_failure(7, "three deaths", cause="processing")
    assert desk.rebuild() == 0
    desk.lose()
    assert desk.rebuild() == 2
    desk.work()
    found = desk.document(documents[0])
    assert (found.state, found.done, found.failed) == (DocumentState.PARTIAL, 6, 1)
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 7), 2) | {7: 1})
    assert retry(desk.tools, desk.context.results, folder).pages == [7]
    desk.work()
    found = desk.document(documents[0])
    assert (found.state, found.generation) == (DocumentState.SUCCEEDED, 2)
    with ThreadPoolExecutor(2) as pool:
        keys = walk.result_keys(desk.context.results, "results/")
        audited = [
            audit_document(desk.context.results, entry, pool)
            for entry in walk.documents(keys)
            if entry.folder.document in documents
        ]
    assert [one.problems for one in audited] == [[], []]
