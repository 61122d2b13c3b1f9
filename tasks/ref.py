"""The announcement of a document: all that whoever announces needs to know of records."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

_TENANT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


class DocumentRef(BaseModel):
    """Says that there is a document to be read.

    Attributes:
        source: URL of the place documents come from: `s3://bucket/prefix` or `file:///directory`.
        key: The document's key below it.
        version: Version id, when the announcement named one.
        etag: ETag, when the announcement named one; what is there must still be that.
        options: The caller's own options, stronger than any others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    key: str = Field(min_length=1)
    tenant: str = Field(default="default", pattern=_TENANT)
    version: str | None = None
    etag: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("etag")
    @classmethod
    def _without_quotes(cls, value: str | None) -> str | None:
        return value.strip('"') if value is not None else None
