"""Tells other systems that a document has ended: webhooks, SNS, SQS, EventBridge, Redis streams.

Importing this loads none of them; sending does.
"""

from __future__ import annotations

from infra.notify.event import DocumentFinished, Outcome, Output, PageCounts, SourceObject, event_schema
from infra.notify.message import Message
from infra.notify.settings import NotifySettings
from infra.notify.targets import Kind, Target

__all__ = [
    "DocumentFinished",
    "Kind",
    "Message",
    "NotifySettings",
    "Outcome",
    "Output",
    "PageCounts",
    "SourceObject",
    "Target",
    "event_schema",
]
