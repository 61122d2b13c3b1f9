from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from infra.errors import ServiceError
from infra.settings import load_settings
from infra.storage import Location, Storage, open_storage
from worker.cli.announcing import documents_at
from worker.cli.errors import UsageError
from worker.inbox.bucket import BucketWatch, Changes
from worker.stack.seaweed import SeaweedHandle, start_seaweed

BUCKET = "documents"
PATIENCE = 30.0  # seconds until an event that must come counts as lost


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedHandle]:
    with start_seaweed(tmp_path_factory.mktemp("seaweed")) as handle:
        handle.create_bucket(BUCKET)
        yield handle


@pytest.fixture
def storage(server: SeaweedHandle) -> Iterator[Storage]:
    storage = open_storage(Location("s3", BUCKET), server.options)
    yield storage
    for found in list(storage.list("")):
        storage.delete(found.key)


def put(storage: Storage, key: str) -> None:
    storage.create(key, b"x", content_type="application/pdf")


def await_keys(watch: BucketWatch, *keys: str) -> list[str]:
    """Everything the watch has found by the time it has found `keys`."""
    found: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not set(keys) <= set(found):
        assert time.monotonic() < deadline, f"{keys} did not come; {found} did"
        found += watch.poll()
    return found


def test_what_lies_there_and_what_comes_are_found_once_each(server: SeaweedHandle, storage: Storage) -> None:
    put(storage, "inbox/before.pdf")
    with BucketWatch(server, storage, BUCKET, "inbox/") as watch:
        assert await_keys(watch, "inbox/before.pdf").count("inbox/before.pdf") == 1
        put(storage, "inbox/deep/after.pdf")
        assert await_keys(watch, "inbox/deep/after.pdf") == ["inbox/deep/after.pdf"]


def test_results_sidecars_and_folders_are_not_documents(server: SeaweedHandle, storage: Storage) -> None:
    with BucketWatch(server, storage, BUCKET, "inbox/") as watch:
        for key in (
            "results/a.pdf/document.json",
            "inbox/a.pdf.pageline.json",
            "inbox/.hidden",
            "inbox/z.pdf",
        ):
            put(storage, key)
        assert await_keys(watch, "inbox/z.pdf") == ["inbox/z.pdf"]


def test_a_document_that_could_not_be_handed_on_comes_again(server: SeaweedHandle, storage: Storage) -> None:
    put(storage, "inbox/a.pdf")
    with BucketWatch(server, storage, BUCKET, "inbox/") as watch:
        await_keys(watch, "inbox/a.pdf")
        watch.forget("inbox/a.pdf")
        assert await_keys(watch, "inbox/a.pdf") == ["inbox/a.pdf"]


def test_waiting_ends_when_a_document_comes(server: SeaweedHandle, storage: Storage) -> None:
    with BucketWatch(server, storage, BUCKET, "inbox/") as watch:
        put(storage, "inbox/a.pdf")
        watch.wait(3600)
        assert watch.poll() == ["inbox/a.pdf"]


class Breaking:
    """Changes that break off after their keys."""

    def __init__(self, *keys: str, error: Exception | None = None) -> None:
        self.keys = keys
        self.error = error or ServiceError("the log of changes broke off")
        self.stops = 0

    def __iter__(self) -> Iterator[str]:
        yield from self.keys
        if not self.stops:
            raise self.error

    def stop(self) -> None:
        self.stops += 1


def test_a_log_that_breaks_off_is_opened_again(
    server: SeaweedHandle, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.inbox.bucket._PAUSE_SECONDS", 0.0)
    broken = Breaking("inbox/told.pdf")

    class OnceBroken:
        def __init__(self) -> None:
            self.opened = 0

        def follow(self, bucket: str, prefix: str = "", since: datetime | None = None) -> Changes:
            self.opened += 1
            return broken if self.opened == 1 else server.follow(bucket, prefix, since)

    with BucketWatch(OnceBroken(), storage, BUCKET, "inbox/") as watch:
        await_keys(watch, "inbox/told.pdf")
        put(storage, "inbox/afterwards.pdf")
        await_keys(watch, "inbox/afterwards.pdf")
    assert broken.stops


def test_nothing_that_goes_wrong_ends_the_watch(
    server: SeaweedHandle, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.inbox.bucket._PAUSE_SECONDS", 0.0)

    class Failing:
        def __init__(self) -> None:
            self.opened = 0

        def follow(self, bucket: str, prefix: str = "", since: datetime | None = None) -> Changes:
            self.opened += 1
            if self.opened == 1:
                return Breaking(error=UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no line of the log"))
            if self.opened == 2:
                raise ServiceError("the server is starting")
            return server.follow(bucket, prefix, since)

    with BucketWatch(Failing(), storage, BUCKET, "inbox/") as watch:
        put(storage, "inbox/afterwards.pdf")
        await_keys(watch, "inbox/afterwards.pdf")


def test_a_key_a_prefix_and_a_bucket_can_be_submitted(server: SeaweedHandle, storage: Storage) -> None:
    for key in ("inbox/a.pdf", "inbox/deep/b.pdf", "other/c.pdf", "other/.hidden"):
        put(storage, key)
    access = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    settings = load_settings({"results": "s3://results", "sources": [f"s3://{BUCKET}/inbox"], "s3": access})

    def meant(text: str) -> list[tuple[str, str]]:
        return [(ref.source, ref.key) for ref in documents_at(text, settings)]

    inbox, bucket = f"s3://{BUCKET}/inbox", f"s3://{BUCKET}"
    assert meant(f"{bucket}/inbox/a.pdf") == [(inbox, "a.pdf")]
    assert meant(f"{bucket}/other/c.pdf") == [(bucket, "other/c.pdf")]
    assert meant(f"{bucket}/inbox") == meant(f"{bucket}/inbox/") == [(inbox, "a.pdf"), (inbox, "deep/b.pdf")]
    assert meant(bucket) == [(inbox, "a.pdf"), (inbox, "deep/b.pdf"), (bucket, "other/c.pdf")]
    with pytest.raises(UsageError, match="no document at"):
        meant(f"{bucket}/nothing/")
