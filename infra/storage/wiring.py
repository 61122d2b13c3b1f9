"""Whom a bucket tells of uploads."""

from __future__ import annotations

from typing import Any

from infra.storage.location import Location
from infra.storage.options import S3Options
from infra.storage.s3_client import client_for
from infra.storage.s3_errors import translated

_TARGETS = {
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


def told_by(place: Location, s3: S3Options) -> list[str]:
    """Return the queues, topics, functions and `EventBridge`, if they are told of new objects in a place.

    Raises `StorageError` where the server does not say.
    """
    with translated(str(place)):
        answer: Any = client_for(s3).get_bucket_notification_configuration(Bucket=place.bucket)
    found = [
        entry[name].rpartition(":")[2]
        for kind, name in _TARGETS.items()
        for entry in answer.get(kind, ())
        if _of_uploads(entry) and _covers(entry, place.key)
    ]
    return [*found, *(["EventBridge"] if "EventBridgeConfiguration" in answer else [])]


def _of_uploads(entry: dict[str, Any]) -> bool:
    return any(event.startswith("s3:ObjectCreated:") for event in entry.get("Events", ()))


def _covers(entry: dict[str, Any], key: str) -> bool:
    """Say whether objects below `key` pass the filter of prefixes, some of them at least."""
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    prefixes = [rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"]
    return all(prefix.startswith(key) or key.startswith(prefix) for prefix in prefixes)
