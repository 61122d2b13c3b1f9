"""Records that cross the queue or lie in storage.

`DocumentRef` announces a document, `Request` is `request.json`, `FailedPage` a page that was given up,
`Manifest` is `document.json`. Readers of stored records accept fields they do not know, so that older
programs read newer records; a breaking change raises `SCHEMA_VERSION`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.ref import DocumentRef

__all__ = ["DocumentRef", "FailedPage", "Manifest", "Request", "manifest_schema"]

SCHEMA_VERSION = 1


class Record(BaseModel):
    """A record: it does not change, and fields from a later version are kept out of the way."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(Record):
    """The document that was asked for, down to its version.

    Attributes:
        uri: Where it lies, for people.
        root: The place it came from, as announced; `key` is the whole key there as storage takes it.
        size: Bytes; None when it was not there.
    """

    uri: str
    root: str
    key: str
    version: str | None
    etag: str | None
    size: int | None
    media_type: str | None = None


class PipelineRecord(Record):
    """Which pipeline; the fields behind `digest` are known once a worker has read a page."""

    name: str
    digest: str
    models: list[dict[str, Any]] = Field(default_factory=list)
    engine: str | None = None
    engine_version: str | None = None
    precision: str | None = None
    device: str | None = None


class Request(Record):
    """`request.json`: what was asked. Creating it makes the document exist."""

    schema_version: int = SCHEMA_VERSION
    id: str
    tenant: str
    created: float
    source: Source
    options: dict[str, Any]
    priority: str
    device: str | None
    pipeline: PipelineRecord


class StoredFile(Record):
    """A file among the results: its key in the results' bucket, bytes, SHA-256 in hexadecimal."""

    name: str
    key: str
    size: int
    sha256: str


class PageFields(Record):
    """What every page's JSON says beside the pipeline's own result.

    Attributes:
        cause: Of a failure: the `input` is at fault, or `processing` it was.
        mode: How it was read (`normal`, `alone`, `quarantine`), or `given_up`.
        pictures: The pictures that were written before it.
    """

    state: Literal["done", "failed"]
    reason: str | None = None
    cause: Literal["input", "processing"] | None = None
    mode: str = "normal"
    pictures: list[StoredFile] = Field(default_factory=list)


class FailedPage(PageFields):
    """The JSON of a page that could not be read; a rebuild finds it and does not try again."""

    schema_version: int = SCHEMA_VERSION
    state: Literal["failed"] = "failed"
    reason: str
    cause: Literal["input", "processing"]
    page: dict[str, Any]


class PageEntry(Record):
    """A page in the manifest."""

    number: int
    state: Literal["done", "failed", "cancelled"]
    reason: str | None
    result: StoredFile | None
    pictures: list[StoredFile]


class Timings(Record):
    """Times in seconds since the epoch, and seconds spent in each stage over all pages."""

    created: float
    finished: float
    stages: dict[str, float] = Field(default_factory=dict)


class Manifest(Record):
    """`document.json`: how the document ended, and everything that was made of it. Written last."""

    schema_version: int = SCHEMA_VERSION
    id: str
    generation: int
    tenant: str
    source: Source
    state: Literal["succeeded", "partial", "failed", "cancelled", "rejected", "superseded"]
    reason: str | None
    pages: list[PageEntry]
    options: dict[str, Any]
    pipeline: PipelineRecord
    outputs: list[StoredFile]
    timings: Timings


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of `document.json`."""
    return Manifest.model_json_schema()
