"""Storage events: what storage services and their queues say of objects, in every shape, as one type.

Pure parsing: nothing here contacts anybody, and nothing heavy is imported.
"""

from __future__ import annotations

from infra.errors import InvalidEvent
from infra.events.event import ObjectEvent
from infra.events.shapes import parse

__all__ = ["InvalidEvent", "ObjectEvent", "parse"]
