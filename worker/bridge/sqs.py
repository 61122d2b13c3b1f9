"""An SQS queue of storage events: S3's own, or wrapped by SNS or EventBridge."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from infra.errors import InvalidEvent, SettingsError, StorageError, TargetRefused
from infra.notify.targets import Kind, Target
from infra.region import home_region
from infra.storage.options import S3Options
from infra.storage.s3_errors import translated
from worker.bridge.announcer import Announcer
from worker.bridge.patience import patiently

_log = logging.getLogger(__name__)
_BATCH = 10  # SQS gives no more at once
_WAIT_SECONDS = 20  # nor a longer time to wait
_ANSWER_SECONDS = _WAIT_SECONDS + 10
Message = Mapping[str, Any]
Hide = Callable[[Sequence[Message], int], None]
_REGION = re.compile(r"sqs\.([a-z0-9-]+)\.")
_OWNED = re.compile(r"[0-9]{12}/[^/]+")


class SqsQueue:
    """Messages of a queue, each deleted when all it speaks of is announced.

    Whoever is killed in between has the message come again. Where the fleet's own queue does not answer,
    messages in hand stay hidden from other receivers until it does, so that an outage of that costs no
    message one of its receipts. A message that is no event stays: the queue's redrive policy moves it to the
    dead-letter queue.

    Args:
        name: The queue's name, `ACCOUNT/NAME`, its ARN, or its URL, which need not begin with `https://`.
        options: Whose credentials are used where they are Amazon's.

    Raises:
        SettingsError: it is none of these.
        StorageError: the queue is not there, or may not be read.
    """

    def __init__(self, name: str, options: S3Options) -> None:
        self._name = name
        url = _url(name)
        with translated(f"the queue {name}"):
            if url is not None:
                self._client, self._url = _client_at(url, options), url
            else:
                self._client, self._url = _looked_up(name, options)
            attributes = self._attributes()
        self._visibility = int(attributes.get("VisibilityTimeout", "30"))
        self._redrive = "RedrivePolicy" in attributes
        if not self._redrive:
            _log.warning("%s has no redrive policy: messages that are no events come again and again", name)

    def serve(self, announcer: Announcer) -> None:
        """Take messages until an exception ends it, Ctrl-C and SIGTERM among them."""
        while True:
            patiently(lambda: self._take_some(announcer))

    def _take_some(self, announcer: Announcer) -> None:
        with translated(f"the queue {self._name}"):
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=_WAIT_SECONDS
            )
        with self._in_hand(answer.get("Messages", [])) as hand:
            while hand.messages:
                patiently(lambda: hand.take(announcer), hand.keep)

    @contextmanager
    def _in_hand(self, messages: Sequence[Message]) -> Iterator[_Hand]:
        """Give back what was not dealt with, and delete what was, however the context is left."""
        hand = _Hand(messages, self._visibility, self._hide)
        try:
            yield hand
        finally:
            self._delete(hand.done)
            self._hide(hand.messages, 0)
            if self._redrive:
                self._hide(hand.refused, 0)  # the sooner it is in the dead-letter queue

    def _hide(self, messages: Sequence[Message], seconds: int) -> None:
        if messages:
            entries = [{**entry, "VisibilityTimeout": seconds} for entry in _entries(messages)]
            try:
                with translated(f"the queue {self._name}"):
                    self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            except StorageError as error:  # they come again by themselves
                _log.warning("messages are not hidden for %d s: %s", seconds, error)

    def _delete(self, messages: Sequence[Message]) -> None:
        if messages:
            with translated(f"the queue {self._name}"):
                self._client.delete_message_batch(QueueUrl=self._url, Entries=_entries(messages))

    def _attributes(self) -> dict[str, str]:
        answer = self._client.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"]
        )
        found: dict[str, str] = answer.get("Attributes", {})
        return found


class _Hand:
    """Messages that were received together: what is yet to be dealt with, done, and refused."""

    def __init__(self, messages: Sequence[Message], visibility: int, hide: Hide) -> None:
        self.messages = list(messages)
        self.done: list[Message] = []
        self.refused: list[Message] = []
        self._visibility = visibility
        self._hide = hide
        self._hidden = time.monotonic()

    def take(self, announcer: Announcer) -> None:
        """Take the first message that is left. Raises `BrokerUnavailable`."""
        try:
            announcer.take(self.messages[0]["Body"])
        except InvalidEvent as error:
            _log.warning("message %s is left in the queue: %s", self.messages[0].get("MessageId"), error)
            self.refused.append(self.messages.pop(0))
        else:
            self.done.append(self.messages.pop(0))

    def keep(self) -> None:
        """Hide what is left for longer, when a third of the time is over."""
        if time.monotonic() - self._hidden > self._visibility / 3:
            self._hide(self.messages, self._visibility)
            self._hidden = time.monotonic()


def _entries(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]


def _url(name: str) -> str | None:
    """Return a queue's URL, if that is what it was called by."""
    if "://" in name:
        return name
    return f"https://{name}" if "/" in name and not _OWNED.fullmatch(name) else None


def _looked_up(name: str, options: S3Options) -> tuple[Any, str]:
    """Return a client and the URL of a queue that Amazon finds by its name."""
    try:
        queue = Target.parse(name if name.startswith("arn:") else f"sqs://{name}")
    except TargetRefused as error:
        raise SettingsError(str(error)) from error
    if queue.kind is not Kind.SQS:
        raise SettingsError(f"{name} is no queue of SQS")
    client = _client(None, queue.region or options.region or home_region(), options)
    owner = {"QueueOwnerAWSAccountId": queue.account} if queue.account else {}
    return client, client.get_queue_url(QueueName=queue.place, **owner)["QueueUrl"]


def _client_at(url: str, options: S3Options) -> Any:
    """Return a client of the server that a queue's URL names, with the region that it tells, if it does."""
    parts = urlsplit(url)
    told = _REGION.match(parts.netloc)
    region = told[1] if told is not None else options.region or home_region()
    return _client(f"{parts.scheme}://{parts.netloc}", region, options)


def _client(endpoint: str | None, region: str | None, options: S3Options) -> Any:
    """Return a client of a server, or of the one that boto3's rules say."""
    # Keys for another S3 server are nobody else's business.
    keys = options if options.endpoint is None else S3Options()
    session = boto3.session.Session()
    if region is None and endpoint is not None:
        region = session.region_name or "us-east-1"  # other servers than Amazon's mostly do not care
    return session.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.session_token,
        config=Config(
            connect_timeout=options.connect_timeout,
            read_timeout=_ANSWER_SECONDS,
            retries={"mode": "standard", "total_max_attempts": options.attempts},
        ),
    )
