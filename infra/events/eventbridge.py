"""S3's events as EventBridge passes them on: names with dashes, keys as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

_KINDS: Mapping[str, Kind] = {"Object Created": "created", "Object Deleted": "removed"}


def from_eventbridge(event: Mapping[str, Any]) -> list[ObjectEvent]:
    """Return what an event says of an object; nothing for tags, restores and the like.

    Raises `InvalidEvent`.
    """
    kind = _KINDS.get(text_at(event, "detail-type"))
    if kind is None:
        return []
    detail = mapping_at(event, "detail")
    found = mapping_at(detail, "object")
    return [
        ObjectEvent(
            kind=kind,
            bucket=text_at(mapping_at(detail, "bucket"), "name"),
            key=text_at(found, "key"),
            version=version_at(found, "version-id"),
            etag=etag_at(found, "etag"),
            size=size_at(found, "size"),
            sequencer=sequencer_at(found, "sequencer"),
            source="eventbridge",
            time=optional_text(event, "time"),
        )
    ]
