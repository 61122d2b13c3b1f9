"""Where the documents of a stack that is kept running come from, and where their results go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from infra.storage import Location, open_storage
from tasks.records import DocumentRef
from worker.inbox.bucket import BucketWatch
from worker.inbox.folder import FolderWatch
from worker.stack.address import write_private
from worker.stack.seaweed import start_seaweed

BUCKET = "pageline"
INBOX = "inbox"
RESULTS = "results"
UPLOADS = "uploads"
KEYS_FILE = "s3.env"


class Inbox(Protocol):
    """Notices uploads."""

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is worth while to look again."""
        ...

    def poll(self) -> list[str]:
        """Keys of documents that have come since the last call."""
        ...

    def forget(self, key: str) -> None:
        """Have a key come again."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A source, its inbox and its results.

    Attributes:
        source: where documents are announced from.
        start: what the inbox' keys start with and documents' keys do not.
        settings: of the stack that serves it.
        greeting: lines that tell people how to use it.
    """

    source: Location
    start: str
    inbox: Inbox
    settings: Mapping[str, Any]
    greeting: tuple[str, ...]

    def ref(self, key: str) -> DocumentRef:
        """The announcement of what the inbox calls `key`."""
        return DocumentRef(source=self.source.uri, key=key.removeprefix(self.start))


@contextmanager
def folder_place(folder: Path) -> Iterator[Place]:
    """`folder/inbox`, watched, with results in `folder/results`."""
    inbox, results = folder / INBOX, folder / RESULTS
    for each in (inbox, results):
        each.mkdir(parents=True, exist_ok=True)
    source = Location("file", str(inbox))
    yield Place(
        source=source,
        start="",
        inbox=FolderWatch(inbox),
        settings={
            "results": str(results),
            "sources": [source.uri],
            "bucket_level": False,
            "http": {"uploads": str(folder / UPLOADS)},
        },
        greeting=(f"put documents into  {inbox}", f"find results in     {results}"),
    )


@contextmanager
def bucket_place(folder: Path, state: Path) -> Iterator[Place]:
    """A local S3 server with its data in `state`; uploads below `inbox/`, results below `results/`.

    The address and the keys are written to `folder/s3.env` for this user alone.
    """
    with start_seaweed(state / "seaweed") as server:
        server.create_bucket(BUCKET)
        keys = folder / KEYS_FILE
        write_private(keys, _environment(server.endpoint, server.access_key, server.secret_key))
        source = Location("s3", BUCKET, INBOX)
        storage = open_storage(source, server.options)
        access = {
            "endpoint": server.endpoint,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
        with BucketWatch(server, storage, BUCKET, f"{INBOX}/") as inbox:
            yield Place(
                source=source,
                start=f"{INBOX}/",
                inbox=inbox,
                settings={
                    "results": f"s3://{BUCKET}/{RESULTS}",
                    "sources": [source.uri],
                    "bucket_level": False,
                    "s3": access,
                    "http": {"uploads": f"s3://{BUCKET}/{UPLOADS}"},
                },
                greeting=(
                    f"S3 endpoint         {server.endpoint}",
                    f"access key          {server.access_key}",
                    f"secret key          {server.secret_key}",
                    f"put documents into  s3://{BUCKET}/{INBOX}/",
                    f"find results in     s3://{BUCKET}/{RESULTS}/",
                    f"for S3 clients      set -a; . {keys}",
                ),
            )


def _environment(endpoint: str, access_key: str, secret_key: str) -> str:
    """What Amazon's own tools and libraries read."""
    return (
        f"AWS_ENDPOINT_URL={endpoint}\n"
        f"AWS_ACCESS_KEY_ID={access_key}\n"
        f"AWS_SECRET_ACCESS_KEY={secret_key}\n"
        "AWS_REGION=us-east-1\n"
        "AWS_DEFAULT_REGION=us-east-1\n"  # boto3 knows this name alone
    )
