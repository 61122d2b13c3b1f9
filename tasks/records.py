"""Records that cross the queue or lie in storage.

`DocumentRef` announces a document, `Request` is `request.json`, `FailedPage` a page that was given up,
`Manifest` is `document.json`, `Reopening` is `reopened.json`, `Latest` is `latest.json`. Readers of stored
records accept fields they do not know, so that older programs read newer records; a breaking change raises
`SCHEMA_VERSION`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.ref import DocumentRef

__all__ = ["DocumentRef", "FailedPage", "Manifest", "Reopening", "Request", "manifest_schema"]

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


class Verdict(Record):
    """How a document ends before it was ever opened: its options are wrong, say, or its source is gone."""

    state: Literal["failed", "rejected", "superseded"]
    reason: str


class Request(Record):
    """`request.json`: what was asked. Creating it makes the document exist.

    Attributes:
        options: Those that change the result.
        callback: Who is told of its end, beside those that the settings name.
        secret: Where the password of an encrypted PDF is found, never the password.
        retention: What becomes of the source, as `infra.retention.Disposal` reads it.
        results_days: How long the results stay; None for ever.
        sequencer: Where among the changes of its key the source's storage says that this version stands.
        verdict: Decided when it was announced; None for a document that is to be read.
        traceparent: W3C's, of the trace that tells of the document, where there is one.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    tenant: str
    created: float
    source: Source
    options: dict[str, Any]
    priority: str
    device: str | None
    pipeline: PipelineRecord
    callback: tuple[str, ...] = ()
    secret: str | None = None
    retention: str = "keep"
    results_days: float | None = None
    sequencer: str | None = None
    verdict: Verdict | None = None
    traceparent: str | None = None


class Reopening(Record):
    """`reopened.json`: a document that has ended is being worked on again, until its new manifest is there.

    Whatever an earlier generation has stored for a page stays, unless this says that it is not good enough.

    Attributes:
        generation: That of the new manifest.
        failed: Whether pages that failed are read again.
        pages: First and last pages of stretches that are read again whatever is stored.
    """

    schema_version: int = SCHEMA_VERSION
    generation: int = Field(ge=2)
    created: float
    failed: bool = False
    pages: list[tuple[int, int]] = Field(default_factory=list)

    def repeats(self, number: int, page: PageFields) -> bool:
        """Say whether a page is to be read again though `page` is stored for it."""
        if page.generation >= self.generation:
            return False
        return (self.failed and page.state == "failed") or self.names(number)

    def names(self, number: int) -> bool:
        """Say whether a page is among `pages`."""
        return any(first <= number <= last for first, last in self.pages)


class Cancelling(Record):
    """`cancelled.json`: a document is to end as it stands, until its manifest is there.

    Attributes:
        generation: The one that is to end; another is not meant.
    """

    schema_version: int = SCHEMA_VERSION
    generation: int = Field(ge=1)


class Owing(Record):
    """`callbacks.json`: somebody has yet to be told how a document ended; gone once everybody was.

    Attributes:
        generation: The one that ended.
    """

    schema_version: int = SCHEMA_VERSION
    generation: int = Field(ge=1)


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
        generation: Of the document when the page was read; 1 unless it was opened again.
        pictures: The pictures that were written before it.
    """

    state: Literal["done", "failed"]
    reason: str | None = None
    cause: Literal["input", "processing"] | None = None
    mode: str = "normal"
    generation: int = 1
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


class Retention(Record):
    """What became of a document's source and results after its end; times in seconds since the epoch.

    Attributes:
        source: `changed` is one that somebody has replaced or removed, which is left to them.
        moved_to: Its new place.
        expired: When its files were removed, all but `request.json` and `document.json`; None before that.
    """

    source: Literal["kept", "deleted", "moved", "tagged", "changed"] = "kept"
    moved_to: str | None = None
    expired: float | None = None


class Manifest(Record):
    """`document.json`: how the document ended, and everything that was made of it. Written last.

    Attributes:
        retention: What became of it all since; None while nothing has.
    """

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
    retention: Retention | None = None


class Latest(Record):
    """`latest.json`, beside the documents of one source: which of those that have ended is the newest.

    Attributes:
        created: When the document was announced, in seconds since the epoch.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    state: str
    created: float
    version: str | None
    etag: str | None
    sequencer: str | None = None


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of `document.json`."""
    return Manifest.model_json_schema()
