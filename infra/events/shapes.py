"""Tells the shapes apart in which storage events come.

{"Records": [...]}                     S3, MinIO (webhook, Redis hash); Lambda's batches of SQS and SNS
[{"Event": [...]}, ...]                MinIO's list in Redis
{"detail-type": ..., "detail": ...}    EventBridge
{"Type": "Notification", "Message"}    SNS, which wraps any of these once more
{"requestContext", "requestPayload"}   what Lambda puts into a failure destination
{"eventNotification": ..., "tsNs"}     a SeaweedFS filer's log of changes
{"Event": "s3:TestEvent"}              what S3 sends to see whether anybody is there
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.errors import InvalidEvent
from infra.events.event import ObjectEvent, text_at
from infra.events.eventbridge import from_eventbridge
from infra.events.records import from_records
from infra.events.seaweedfs import from_filer

_WRAPPINGS = 4  # Lambda's batch of SQS messages of an SNS topic is three deep


def parse(body: bytes | str | Mapping[str, Any]) -> list[ObjectEvent]:
    """Return what a message says of objects, in its order; nothing for tests and for events of other kinds.

    Args:
        body: JSON, or what was decoded from it.

    Raises:
        InvalidEvent: it has no shape that is known; `str(error)` says in one sentence what is wrong.
    """
    return _parse(body, _WRAPPINGS)


def _parse(body: object, wrappings: int) -> list[ObjectEvent]:
    if wrappings == 0:
        raise InvalidEvent("the event is wrapped too often")
    found = _decoded(body) if isinstance(body, bytes | str) else body
    if isinstance(found, list) and found:
        return [event for one in found for event in _from_object(one, wrappings)]
    return _from_object(found, wrappings)


def _from_object(found: object, wrappings: int) -> list[ObjectEvent]:
    if not isinstance(found, dict):
        raise InvalidEvent("the event is no JSON object")
    if found.get("Event") == "s3:TestEvent":
        return []
    if "Records" in found or "Event" in found:
        records = found["Records"] if "Records" in found else found["Event"]
        return from_records(records, lambda wrapped: _parse(wrapped, wrappings - 1))
    if found.get("Type") == "Notification":
        return _parse(text_at(found, "Message"), wrappings - 1)
    if "requestPayload" in found and "requestContext" in found:
        return _parse(found["requestPayload"], wrappings - 1)
    if "detail-type" in found:
        return from_eventbridge(found)
    if "eventNotification" in found:
        return from_filer(found)
    raise InvalidEvent("the event has no shape that is known")


def _decoded(body: bytes | str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent("the event is not JSON") from error
