"""S3's notifications, which MinIO and others send too, and how Lambda wraps messages of SQS and SNS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from infra.errors import InvalidEvent
from infra.events.event import (
    Kind,
    ObjectEvent,
    etag_at,
    mapping_at,
    optional_text,
    sequencer_at,
    size_at,
    text_at,
    version_at,
)

_MAJOR = "2"
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("ObjectCreated:", "created"),
    ("ObjectRemoved:", "removed"),
    ("LifecycleExpiration:", "removed"),
)
Wrapped = Callable[[Any], list[ObjectEvent]]


def from_records(records: object, wrapped: Wrapped) -> list[ObjectEvent]:
    """Return the events of all `records`; `wrapped` parses a message that one of them carries.

    Raises `InvalidEvent`.
    """
    if not isinstance(records, list):
        raise InvalidEvent("the event's records are no list")
    return [event for record in records for event in _from_record(record, wrapped)]


def _from_record(record: object, wrapped: Wrapped) -> Iterator[ObjectEvent]:
    if not isinstance(record, dict):
        raise InvalidEvent("a record of the event is no object")
    if isinstance(record.get("Sns"), dict):
        yield from wrapped(text_at(record["Sns"], "Message"))
    elif record.get("eventSource") == "aws:sqs":
        yield from wrapped(text_at(record, "body"))
    else:
        yield from _from_notification(record)


def _from_notification(record: Mapping[str, Any]) -> Iterator[ObjectEvent]:
    """Yield what a record of S3's own says, if it is of an object that came or went."""
    version = optional_text(record, "eventVersion")
    if version is not None and version.partition(".")[0] != _MAJOR:
        raise InvalidEvent(f"the event is of version {version[:20]!r}; {_MAJOR}.x is understood")
    kind = _kind(text_at(record, "eventName").removeprefix("s3:"))
    if kind is None:
        return
    s3 = mapping_at(record, "s3")
    found = mapping_at(s3, "object")
    yield ObjectEvent(
        kind=kind,
        bucket=text_at(mapping_at(s3, "bucket"), "name"),
        key=_decoded(text_at(found, "key")),
        version=version_at(found, "versionId"),
        etag=etag_at(found, "eTag"),
        size=size_at(found, "size"),
        sequencer=sequencer_at(found, "sequencer"),
        source=optional_text(record, "eventSource") or "s3",
        time=optional_text(record, "eventTime"),
    )


def _kind(name: str) -> Kind | None:
    """Return what became of the object; None for tags, access lists, restores and the like."""
    return next((kind for start, kind in _KINDS if name.startswith(start)), None)


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEvent("the event's key is not UTF-8") from error
