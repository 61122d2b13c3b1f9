"""What is sent to a target, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way.

    Attributes:
        id: The event's id: receivers tell by it what they have had before.
        group: Messages of one group are taken in their order where the target knows order.
        body: The event as JSON.
        labels: What targets that filter may filter by.
        traceparent: W3C's, for a receiver that traces; None where nothing is traced.
    """

    id: str
    group: str
    body: bytes
    labels: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None
