"""The announcement of a document: all that whoever announces needs to know of records.

No pydantic here: whoever only announces would wait longer for its import than for the announcement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

SIDECAR_SUFFIX = ".pageline.json"  # of a file beside a document that has its options
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class AnnouncementError(ValueError):
    """An announcement that makes no sense; says which field, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef:
    """Says that there is a document to be read.

    Attributes:
        source: URL of the place documents come from: `s3://bucket/prefix` or `file:///directory`.
        key: The document's key below it.
        version: Version id, when the announcement named one.
        etag: ETag, when the announcement named one; what is there must still be that.
        sequencer: Orders the changes of one key, when the announcement named one: hexadecimal digits, to be
            compared after padding with zeros on the right.
        options: The caller's own options, stronger than any others.
        traceparent: W3C's, of the trace that the announcement belongs to.

    Raises:
        AnnouncementError: a field is of another kind than it says, or empty where it may not be.
    """

    source: str
    key: str
    tenant: str = "default"
    version: str | None = None
    etag: str | None = None
    sequencer: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    traceparent: str | None = None

    def __post_init__(self) -> None:
        for name in ("source", "key", "tenant"):
            _check(name, getattr(self, name), isinstance(getattr(self, name), str), "is no text")
        for name in ("version", "etag", "sequencer", "traceparent"):
            value = getattr(self, name)
            _check(name, value, value is None or isinstance(value, str), "is no text")
        _check("key", self.key, self.key != "", "is empty")
        _check("tenant", self.tenant, _TENANT.fullmatch(self.tenant) is not None, "is no tenant's name")
        _check("options", self.options, isinstance(self.options, dict), "is no object")
        trace = self.traceparent
        _check("traceparent", trace, trace is None or _TRACEPARENT.fullmatch(trace), "is not W3C's")
        if self.etag is not None:
            object.__setattr__(self, "etag", self.etag.strip('"'))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read an announcement as it came. Raises `AnnouncementError`."""
        known = {each.name for each in fields(cls)}
        for name in content:
            _check("announcement", name, name in known, "is a field that announcements do not have")
        for name in ("source", "key"):
            _check("announcement", name, name in content, "is missing")
        return cls(**content)

    def content(self) -> dict[str, Any]:
        """Return what goes into the queue, as JSON takes it: the fields that say something."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value not in (None, {})}


def _check(name: str, value: object, holds: object, fault: str) -> None:
    if not holds:
        raise AnnouncementError(f"{name}: {value!r:.100} {fault}")
