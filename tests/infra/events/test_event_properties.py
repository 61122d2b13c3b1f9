"""Whatever JSON comes: events, or one sentence."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.events import InvalidEvent, ObjectEvent, parse

_WORDS = (
    *("Records", "Event", "Type", "Message", "Notification", "s3:TestEvent", "detail", "detail-type", "Sns"),
    *(
        "body",
        "eventSource",
        "aws:sqs",
        "eventName",
        "ObjectCreated:Put",
        "eventVersion",
        "2.1",
        "s3",
        "bucket",
    ),
    *("object", "name", "key", "eTag", "versionId", "version-id", "sequencer", "size", "Object Created"),
    *("eventNotification", "tsNs", "newEntry", "oldEntry", "newParentPath", "directory", "attributes"),
    *("extended", "Seaweed-X-Amz-Version-Id", "Seaweed-X-Amz-ETag", "isDirectory", "fileSize", "md5"),
)
_TEXTS = st.one_of(
    st.sampled_from(_WORDS),
    st.text(),
    st.text(st.characters(categories=["Cs", "Lu"])),
    st.sampled_from(["/buckets/b/in", "%FF", "1795376597690944698", "e30=", "null", '{"Records": []}']),
)
_ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS)
JSON = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=6)),
    max_leaves=30,
)


def checked(body: Any) -> list[ObjectEvent]:
    """Parse, and check what every caller relies on."""
    try:
        events = parse(body)
    except InvalidEvent:
        return []
    for event in events:
        assert isinstance(event, ObjectEvent)
        assert event.kind in {"created", "removed"}
        assert event.bucket
        assert event.key
        texts = (
            event.bucket,
            event.key,
            event.version,
            event.etag,
            event.sequencer,
            event.source,
            event.time,
        )
        assert all(text is None or (isinstance(text, str) and text.encode() and text) for text in texts)
        assert event.size is None or event.size >= 0
    return events


@given(JSON)
def test_any_json_is_events_or_refused(value: Any) -> None:
    checked(value)
    checked(json.dumps(value))


@given(st.binary())
def test_any_bytes_are_events_or_refused(body: bytes) -> None:
    checked(body)


_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(_NAMES, _NAMES, JSON, JSON)
def test_any_key_comes_out_as_it_went_in(bucket: str, key: str, size: Any, more: Any) -> None:
    found = {"key": key, "size": size, "unheard": more}
    event = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": found},
        "new": more,
    }
    wrapped = {"Type": "Notification", "Message": json.dumps(event)}
    assert [(one.bucket, one.key) for one in checked(wrapped)] == [(bucket, key)]
