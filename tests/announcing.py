"""What tests of bridges share: who takes announcements, and how a service is ended."""

from __future__ import annotations

import json
from collections.abc import Callable

from infra.errors import BrokerUnavailable
from tasks.ref import DocumentRef


class Recorder:
    """Takes announcements; refuses the first few, and does something after each, such as end the service."""

    def __init__(self, refusals: int = 0) -> None:
        self.refs: list[DocumentRef] = []
        self.refusals = refusals
        self.ending: Callable[[DocumentRef], None] = lambda ref: None

    def announce(self, ref: DocumentRef) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BrokerUnavailable("the broker is away")
        self.refs.append(ref)
        self.ending(ref)

    @property
    def keys(self) -> list[str]:
        return sorted(ref.key for ref in self.refs)


class Ended(BaseException):
    """What a signal raises."""


def body(*keys: str) -> str:
    found = [{"bucket": {"name": "uploads"}, "object": {"key": key, "eTag": "e"}} for key in keys]
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": one} for one in found]})
