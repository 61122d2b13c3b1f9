"""The event that tells of a document's end: CloudEvents 1.0, structured mode, one shape for every target."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TYPE: Literal["pageline.document.finished.v1"] = "pageline.document.finished.v1"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Part(BaseModel):
    """A part of the event: it does not change; readers keep fields of later versions out of the way."""

    # What is said below a field stands in the schema that is published.
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class SourceObject(Part):
    """The document that was uploaded, down to its version."""

    uri: str
    version: str | None = None
    etag: str | None = None
    size: int | None = None
    """Bytes."""
    media_type: str | None = None


class PageCounts(Part):
    """How many pages the document has, and how they ended; all 0 when it was never opened."""

    total: int = Field(ge=0)
    done: int = Field(ge=0)
    failed: int = Field(ge=0)
    cancelled: int = Field(ge=0)


class Output(Part):
    """A readable document that was made."""

    name: str
    """`document.txt`, for one."""
    uri: str
    url: str | None = None
    """A link for whoever has it, if links were asked for, until `links_expire`."""


class Outcome(Part):
    """What the event says of the document."""

    id: str
    generation: int = Field(ge=1)
    """Raised by each retry or repair: the latest counts."""
    tenant: str
    source: SourceObject
    state: Literal["succeeded", "partial", "failed", "cancelled", "rejected", "superseded"]
    reason: str | None = None
    """Why it is anything but `succeeded`, one sentence."""
    pages: PageCounts
    manifest: str | None = None
    """URI of `document.json`, which names every page's files; null when there is none."""
    manifest_url: str | None = None
    """A link to it, if links were asked for, until `links_expire`."""
    outputs: list[Output] = Field(default_factory=list)
    links_expire: datetime | None = None


class DocumentFinished(Part):
    """A document has ended."""

    specversion: Literal["1.0"] = "1.0"
    type: Literal["pageline.document.finished.v1"] = TYPE
    id: str = Field(min_length=1)
    """Stable for a document and generation: the same id again is the same event, delivered again."""
    source: str = Field(min_length=1)
    """The results location of the fleet that read the document."""
    subject: str = Field(min_length=1)
    """URI of the document."""
    time: datetime
    """When it ended."""
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    """CloudEvents' extension for tracing, W3C's `traceparent`; left out where nothing is traced."""
    data: Outcome

    def body(self) -> bytes:
        """The event as JSON, UTF-8."""
        untraced = {"traceparent"} if self.traceparent is None else None
        return self.model_dump_json(exclude=untraced).encode()


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema of the event, as it is published."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **DocumentFinished.model_json_schema(mode="serialization"),
    }
