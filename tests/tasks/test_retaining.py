"""What becomes of sources and results after the end, on a directory and on a real S3 server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from crew import QUICK, write_pdf
from desk import Desk
from flaky import Flaky
from places import client_of

from infra.errors import AccessDenied, StorageUnavailable
from infra.settings import load_settings
from infra.status.states import DocumentState
from tasks import walk
from tasks.audit import audit_document
from tasks.context import storage_at
from tasks.ledger import read_manifest
from tasks.places import Folder
from tasks.records import DocumentRef, Manifest, Retention
from tasks.reopen import NotReopened, retry
from tasks.retention import Retainer
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle

DAY = 24 * 3600


def retain(desk: Desk) -> int:
    """Do a whole pass; how many documents are done with."""
    retainer, count = Retainer(desk.tools, desk.context.storage), 0
    while not retainer._not_before:
        count += retainer()
    return count


def retained(desk: Desk, folder: Folder) -> Retention | None:
    manifest = read_manifest(desk.context.results, folder)
    assert isinstance(manifest, Manifest)
    return manifest.retention


def complete(desk: Desk) -> bool:
    results = storage_at(desk.settings.results, desk.settings.s3)
    with ThreadPoolExecutor(1) as pool:
        found = [audit_document(results, one, pool) for one in walk.documents(walk.result_keys(results, ""))]
    return bool(found) and not any(one.problems for one in found)


def test_a_source_goes_when_it_is_read_and_not_before(desk: Desk) -> None:
    path = desk.pdf(pages=2)
    document = desk.ingest(options={"retention": "delete"})
    assert retain(desk) == 0
    desk.work(until="pageline.finalize")
    assert retain(desk) == 0
    assert path.exists()
    desk.work()
    assert retain(desk) == 1
    assert not path.exists()
    assert retained(desk, desk.folder(document)) == Retention(source="deleted")
    assert retain(desk) == 0
    assert complete(desk)


def test_a_source_stays_while_another_document_of_it_is_to_be_read(desk: Desk) -> None:
    path = desk.pdf(pages=1)
    desk.ingest(options={"retention": "delete"})
    desk.work()
    desk.ingest(options={"dpi": 100})
    assert retain(desk) == 0
    assert path.exists()
    desk.work()
    assert retain(desk) == 1
    assert not path.exists()


def test_a_source_that_was_replaced_is_left_to_whoever_did_that(desk: Desk) -> None:
    path = desk.pdf(pages=1)
    document = desk.ingest(options={"retention": "delete"})
    desk.work()
    path.write_bytes(b"something else")
    assert retain(desk) == 1
    assert path.read_bytes() == b"something else"
    assert retained(desk, desk.folder(document)) == Retention(source="changed")


def test_what_failed_keeps_its_source_until_a_retry_succeeds(desk: Desk, flaky: Flaky) -> None:
    path = desk.pdf(pages=1)
    document = desk.ingest(options={"retention": "delete"})
    flaky.refuse["fetch", "a.pdf"] = AccessDenied("no")
    desk.work()
    assert desk.document(document).state is DocumentState.FAILED
    assert retain(desk) == 0
    assert path.exists()
    flaky.refuse.clear()
    retry(desk.tools, desk.context.results, desk.folder(document))
    assert retain(desk) == 0
    desk.work()
    assert retain(desk) == 1
    assert not path.exists()


def test_a_source_is_moved_and_nothing_is_overwritten_there(desk: Desk, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    options = {"retention": f"move:{archive}"}
    body = desk.pdf("sub/a.pdf", pages=1).read_bytes()
    first = desk.ingest("sub/a.pdf", options=options)
    desk.work()
    assert retain(desk) == 1
    assert (archive / "sub" / "a.pdf").read_bytes() == body
    assert not (desk.inbox / "sub" / "a.pdf").exists()
    desk.pdf("sub/a.pdf", pages=2)
    second = desk.ingest("sub/a.pdf", options=options)
    desk.work()
    assert retain(desk) == 1
    assert (archive / "sub" / "a.pdf").read_bytes() == body
    moved = retained(desk, desk.folder(second))
    assert moved == Retention(source="moved", moved_to=(archive / "sub" / f"a.pdf.{second}").as_uri())
    assert first != second


@pytest.mark.parametrize("gone", ["deleted", "replaced"])
def test_an_event_that_repeats_when_its_source_is_gone_means_the_document_it_made(
    desk: Desk, gone: str
) -> None:
    path = desk.pdf(pages=1)
    etag = desk.context.storage(f"file://{desk.inbox}").head("a.pdf").etag
    document = desk.ingest(etag=etag)
    other = desk.ingest(etag=etag, options={"dpi": 100})
    desk.work()
    path.unlink()
    if gone == "replaced":
        desk.pdf(pages=2)
    assert desk.ingest(etag=etag) == document
    assert desk.ingest(etag=etag, options={"dpi": "100"}) == other
    desk.lose()
    assert desk.ingest(etag=etag) == document
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    stranger = desk.ingest(etag=etag, options={"dpi": 101})
    unknown = desk.ingest(etag="another")
    desk.work()
    assert desk.document(stranger).state is DocumentState.SUPERSEDED
    assert desk.document(unknown).state is DocumentState.SUPERSEDED


def test_a_move_whose_deletion_failed_leaves_one_copy(desk: Desk, tmp_path: Path, flaky: Flaky) -> None:
    archive = tmp_path / "archive"
    body = desk.pdf(pages=1).read_bytes()
    document = desk.ingest(options={"retention": f"move:{archive}"})
    desk.work()
    flaky.refuse["delete", "a.pdf"] = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        retain(desk)
    assert (archive / "a.pdf").read_bytes() == body
    flaky.refuse.clear()
    assert retain(desk) == 1
    assert [path.name for path in archive.iterdir()] == ["a.pdf"]
    assert not (desk.inbox / "a.pdf").exists()
    moved = retained(desk, desk.folder(document))
    assert moved == Retention(source="moved", moved_to=(archive / "a.pdf").as_uri())


@pytest.mark.parametrize("to", ["in/done", "out", "", "relative"])
def test_a_source_is_not_moved_where_it_would_come_back(desk: Desk, tmp_path: Path, to: str) -> None:
    desk.pdf(pages=1)
    place = to if to == "relative" else str(tmp_path / to)
    document = desk.ingest(options={"retention": f"move:{place}"})
    desk.work()
    found = desk.document(document)
    assert found.state is DocumentState.REJECTED
    assert (found.reason or "").startswith("The option retention is wrong: ")


def test_results_go_when_their_time_is_over_and_nobody_misses_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pdf(pages=3)
    document = desk.ingest(options={"results_days": 2})
    other = desk.ingest(options={"dpi": 100})
    desk.work()
    folder = desk.folder(document)
    assert retain(desk) == 0
    assert desk.path(folder.page(1)).exists()
    later = time.time() + 2 * DAY + 1
    monkeypatch.setattr("tasks.retention.time.time", lambda: later)
    monkeypatch.setattr("tasks.retention._DELETIONS", 3)  # more than one look's worth
    assert retain(desk) == 0
    assert complete(desk)
    assert retain(desk) == 1
    left = sorted(path.name for path in desk.path(folder.key).rglob("*") if path.is_file())
    assert left == ["document.json", "request.json"]
    assert retained(desk, folder) == Retention(expired=later)
    assert desk.path(desk.folder(other).page(1)).exists()
    assert complete(desk)
    assert desk.ingest(options={"results_days": 2}) == document  # it is known, and not read again
    assert not desk.messages
    with pytest.raises(NotReopened, match="removed when their time was over"):
        retry(desk.tools, desk.context.results, folder)


def test_a_turn_that_the_storage_cuts_short_is_begun_again(desk: Desk, flaky: Flaky) -> None:
    path = desk.pdf(pages=1)
    desk.ingest(options={"retention": "delete"})
    desk.work()
    flaky.refuse["read", "document.json"] = StorageUnavailable("away")
    retainer = Retainer(desk.tools, desk.context.storage)
    with pytest.raises(StorageUnavailable):
        retainer()
    flaky.refuse.clear()
    assert retainer() == 1
    assert not path.exists()


def test_an_announcement_whose_worker_died_halfway_is_retained_all_the_same(desk: Desk) -> None:
    path = desk.pdf(pages=1)
    document = desk.ingest(options={"retention": "delete"})
    desk.path(desk.folder(document).retained).unlink()
    desk.ingest(options={"retention": "delete"})
    desk.work()
    assert retain(desk) == 1
    assert not path.exists()


@pytest.fixture
def bucket_desk(tmp_path: Path, valkey: ValkeyHandle, s3_server: SeaweedHandle) -> Any:
    name = f"retain-{uuid4().hex[:8]}"
    client = client_of(s3_server.options)
    for bucket in (f"{name}-in", f"{name}-out"):
        client.create_bucket(Bucket=bucket)
    versioned = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=f"{name}-in", VersioningConfiguration=versioned)
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": f"{name}:",
            "results": f"s3://{name}-out/results",
            "sources": [f"s3://{name}-in/inbox"],
            "s3": s3_server.options,
            "work_dir": tmp_path / "work",
            "defaults": {"visualize": False},
            "queue": QUICK,
        }
    )
    desk = Desk(settings, tmp_path)
    yield desk, client, f"{name}-in"
    desk.lose()
    desk.store.close()


@pytest.mark.parametrize("act", ["delete", "move:archive", "tag"])
def test_of_a_source_with_versions_only_the_one_that_was_read_is_touched(
    bucket_desk: tuple[Desk, Any, str], tmp_path: Path, act: str
) -> None:
    desk, client, bucket = bucket_desk
    body = write_pdf(tmp_path / "a.pdf", 1).read_bytes()
    put = client.put_object(Bucket=bucket, Key="inbox/a b.pdf", Body=body)
    ref = DocumentRef(
        source=f"s3://{bucket}/inbox",
        key="a b.pdf",
        version=put["VersionId"],
        options={"retention": act},
    )
    document = desk.take(ref)
    newer = client.put_object(Bucket=bucket, Key="inbox/a b.pdf", Body=b"newer")
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert retain(desk) == 1
    assert client.get_object(Bucket=bucket, Key="inbox/a b.pdf")["Body"].read() == b"newer"
    found = client.list_object_versions(Bucket=bucket, Prefix="inbox/").get("Versions", [])
    versions = {one["VersionId"] for one in found}
    if act == "tag":
        address = {"Bucket": bucket, "Key": "inbox/a b.pdf", "VersionId": put["VersionId"]}
        tags = {tag["Key"]: tag["Value"] for tag in client.get_object_tagging(**address)["TagSet"]}
        assert tags == {"pageline-state": "succeeded", "pageline-document": document}
        assert versions == {put["VersionId"], newer["VersionId"]}
    else:
        assert versions == {newer["VersionId"]}
    if act.startswith("move"):
        assert client.get_object(Bucket=bucket, Key="archive/a b.pdf")["Body"].read() == body
