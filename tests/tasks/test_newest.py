"""`latest.json`: which document of a source is the newest, whatever order they are announced and end in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from desk import Desk
from flaky import Flaky
from places import client_of, race

from infra.errors import AccessDenied, StorageUnavailable
from infra.status.states import DocumentState
from infra.storage import Location, S3Options, open_storage
from tasks.newest import newer, note_newest
from tasks.places import Folder
from tasks.records import Latest, Manifest, PipelineRecord, Request, Source, Timings
from tasks.reopen import retry
from worker.stack.seaweed import SeaweedHandle


def latest(created: float = 1.0, sequencer: str | None = None, name: str = "a") -> Latest:
    return Latest(id=name, state="succeeded", created=created, version=None, etag=None, sequencer=sequencer)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (latest(2), latest(1), True),
        (latest(1), latest(2), False),
        (latest(1, "0055AED6DCD90281E6"), latest(2, "0055AED6DCD90281E5"), True),
        (latest(1, "A1"), latest(2, "A"), True),  # the shorter one is padded on the right
        (latest(2, "9"), latest(1, "A000"), False),
        (latest(2, "a0"), latest(1, "A"), True),  # the same place: then by time
        (latest(2, "1"), latest(1), True),  # only one of them says
        (latest(1, name="b"), latest(1, name="a"), True),  # one of two must win
        (latest(1), latest(1), False),
    ],
)
def test_the_order_is_the_storage_s_or_that_of_time(one: Latest, other: Latest, expected: bool) -> None:
    assert newer(one, other) is expected


def named(desk: Desk, document: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(desk.path(desk.folder(document).latest).read_bytes())
    return found


def test_an_older_version_that_ends_last_does_not_win(desk: Desk) -> None:
    desk.pdf(pages=1)
    new = desk.ingest(sequencer="B0", options={"dpi": 100})
    old = desk.ingest(sequencer="A9F", options={"dpi": 110})
    desk.work()
    for document in (new, old):
        assert desk.document(document).state is DocumentState.SUCCEEDED
    assert (named(desk, old)["id"], named(desk, old)["state"]) == (new, "succeeded")
    newest = desk.ingest(options={"dpi": 120})
    assert named(desk, newest)["id"] == new  # it has not ended
    desk.work()
    assert named(desk, newest)["id"] == newest


def test_a_version_that_nobody_read_is_not_named(desk: Desk) -> None:
    path = desk.pdf(pages=1)
    first = desk.ingest()
    desk.work()
    path.write_bytes(path.read_bytes() + b"\n")
    second = desk.ingest()
    path.unlink()
    desk.work()
    assert desk.document(second).state is DocumentState.SUPERSEDED
    assert named(desk, first)["id"] == first


def test_the_state_follows_a_retry(desk: Desk, flaky: Flaky) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    flaky.refuse["fetch", "a.pdf"] = AccessDenied("no")
    desk.work()
    assert named(desk, document)["state"] == "failed"
    flaky.refuse.clear()
    retry(desk.tools, desk.context.results, desk.folder(document))
    desk.work()
    assert named(desk, document)["state"] == "succeeded"


def test_a_death_before_it_is_written_is_made_good(desk: Desk, flaky: Flaky) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    flaky.refuse["create", "latest.json"] = StorageUnavailable("away")
    desk.work()
    folder = desk.folder(document)
    assert desk.path(folder.manifest).exists()
    assert desk.document(document).state is DocumentState.FINALIZING
    flaky.refuse.clear()
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert named(desk, document)["id"] == document


def ended(number: int) -> tuple[Folder, Request, Manifest]:
    pipeline = PipelineRecord(name="OCR", digest="d")
    source = Source(uri="s3://b/x", root="s3://b", key="x", version=None, etag=None, size=1)
    request = Request(
        id=f"{number:032x}",
        tenant="default",
        created=100.0 - number,  # announced in the other order
        source=source,
        options={},
        priority="normal",
        device=None,
        pipeline=pipeline,
        sequencer=f"{number:04X}",
    )
    manifest = Manifest(
        id=request.id,
        generation=1,
        tenant="default",
        source=source,
        state="succeeded",
        reason=None,
        pages=[],
        options={},
        pipeline=pipeline,
        outputs=[],
        timings=Timings(created=request.created, finished=200.0),
    )
    return Folder(f"x/{request.id}"), request, manifest


def test_of_many_that_end_at_once_on_a_real_server_the_newest_stays(s3_server: SeaweedHandle) -> None:
    bucket = f"newest-{uuid4().hex[:8]}"
    s3_server.create_bucket(bucket)
    options: S3Options = replace(s3_server.options)
    storage = open_storage(Location("s3", bucket), options)

    def end(number: int) -> None:
        while True:
            try:
                return note_newest(storage, *ended(number))
            except StorageUnavailable:  # too many at once: then it is tried again, as a task is
                continue

    assert race(8, end) == [None] * 8
    assert Latest.model_validate_json(storage.read("x/latest.json")).sequencer == "0007"
    answer = client_of(options).head_object(Bucket=bucket, Key="x/latest.json")
    assert (answer["ContentType"], answer["CacheControl"]) == ("application/json", "private, no-cache")
