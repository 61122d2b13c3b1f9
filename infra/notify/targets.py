"""Who is told: a target is a URL or an ARN.

- webhook: `https://host/path`, `http://…`
- SNS topic: `arn:aws:sns:…`, `sns:arn:aws:sns:…`
- SQS queue: `sqs://queue`, `sqs://account/queue` for another account's, `arn:aws:sqs:…`
- EventBridge bus: `eventbridge://bus`, `arn:aws:events:…`
- Redis stream, in the fleet's own Redis: `redis-stream://name`
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

from infra.errors import TargetRefused

MAX_LENGTH = 2048
_ARN = re.compile(r"arn:[a-z-]+:([a-z0-9]+):([a-z0-9-]+):([0-9]{12}):(\S+)")
_NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}")
_BUS = "event-bus/"


class Kind(StrEnum):
    """What a target is; the value is the scheme that settings call it by."""

    HTTPS = "https"
    HTTP = "http"
    SNS = "sns"
    SQS = "sqs"
    EVENTBRIDGE = "eventbridge"
    STREAM = "redis-stream"


_SERVICES = {"sns": Kind.SNS, "sqs": Kind.SQS, "events": Kind.EVENTBRIDGE}


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Attributes:
        text: As it was given.
        kind: What it is.
        place: URL, topic's ARN, queue, bus or name of the stream.
        region: Where an ARN says it is.
        account: Whose queue it is, if that was said.
    """

    text: str
    kind: Kind
    place: str
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a target. Raises `TargetRefused`."""
        if len(text) > MAX_LENGTH or not text.isprintable() or text.split() != [text]:
            raise TargetRefused(f"a target has at most {MAX_LENGTH} characters, and no spaces or line breaks")
        if text.removeprefix("sns:").startswith("arn:"):
            return cls._of_arn(text, text.removeprefix("sns:"))
        try:
            parts = urlsplit(text)
            kind, host = Kind(parts.scheme.lower()), parts.hostname
            _ = parts.port  # says so if it is none
        except ValueError:
            raise TargetRefused(f"{_plain(text)} is no target: {_FORMS}") from None
        if kind in (Kind.HTTPS, Kind.HTTP):
            if not host:
                raise TargetRefused(f"{_plain(text)} names no host")
            return cls(text, kind, text)
        return cls._of_name(text, kind, f"{parts.netloc}{parts.path}")

    @classmethod
    def _of_arn(cls, text: str, arn: str) -> Self:
        found = _ARN.fullmatch(arn)
        kind = _SERVICES.get(found[1]) if found else None
        if found is None or kind is None or (kind is Kind.EVENTBRIDGE and not found[4].startswith(_BUS)):
            raise TargetRefused(f"{text} is no ARN of an SNS topic, SQS queue or event bus")
        place = found[4] if kind is Kind.SQS else arn
        return cls(text, kind, place, region=found[2], account=found[3] if kind is Kind.SQS else None)

    @classmethod
    def _of_name(cls, text: str, kind: Kind, name: str) -> Self:
        account, _, last = name.rpartition("/")
        if kind is Kind.SNS or not _NAME.fullmatch(name) or (account and kind is not Kind.SQS):
            raise TargetRefused(f"{_plain(text)} is no target: {_FORMS}")
        return cls(text, kind, last, account=account or None)

    @property
    def name(self) -> str:
        """What people and logs may see: user, password and query may hold keys."""
        return _plain(self.text)

    @property
    def digest(self) -> str:
        """A short name for it in keys, 16 hexadecimal digits."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """Return a target's short name, also for one that cannot be read."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shown(text: str) -> str:
    """Return how a target may be shown, also one that cannot be read."""
    return _plain(text)


_FORMS = "https://…, an ARN, sqs://queue, eventbridge://bus and redis-stream://name are"


def _plain(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return "(a malformed address)"
    return urlunsplit(SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def kind_of(text: str) -> str:
    """Return the kind of a target, or `unknown` for a text that names none."""
    try:
        return Target.parse(text).kind.value
    except TargetRefused:
        return "unknown"
