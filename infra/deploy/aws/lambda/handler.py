"""Announces what S3 tells a Lambda function, directly, by SNS, or by SQS in batches. Needs no boto3.

Set up by the environment: PAGELINE_BROKER_URL and PAGELINE_SOURCES as the fleet has them, and where they
differ from the defaults PAGELINE_RESULTS, PAGELINE_KEY_PREFIX, PAGELINE_QUEUE__VISIBILITY_SECONDS and
PAGELINE_TENANT. The README beside this file says how it is packaged.
"""

# ruff: noqa: INP001  -- deployed by itself, beside the packages
from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from infra.errors import BrokerUnavailable, InvalidEvent
from tasks.produce import VISIBILITY_SECONDS, Producer
from worker.bridge.announcer import Announcer
from worker.bridge.sorter import Sorter

_log = logging.getLogger()
_SOCKET_SECONDS = 0.2  # a missing broker is to be known of within a second, tried twice


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Announce the documents that `event` speaks of.

    Of a batch of SQS messages, those that could not be announced are named in the answer and come again
    (`ReportBatchItemFailures` must be switched on). Any other event raises, so that Lambda tries again and
    then hands it to the function's failure destination: `InvalidEvent`, `BrokerUnavailable`.
    """
    del context
    records = event.get("Records")
    if isinstance(records, list) and records and all(_is_message(record) for record in records):
        failed = [{"itemIdentifier": identity} for identity in _failures(records)]
        return {"batchItemFailures": failed}
    _announcer().take(event)
    return {}


def _is_message(record: object) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == "aws:sqs" and "messageId" in record


def _failures(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the ids of messages to come again; once the broker is missing, it is not asked for the rest."""
    missing = False
    for message in messages:
        try:
            if not missing:
                _announcer().take(message["body"])
                continue
        except BrokerUnavailable as error:
            missing = True
            _log.error("messages are to come again: %s", error)
        except InvalidEvent as error:
            _log.error("message %s is to go to the dead-letter queue: %s", message["messageId"], error)
        yield message["messageId"]


@cache
def _announcer() -> Announcer:
    """Return the announcer of this instance of the function, which serves many events."""
    environment = os.environ
    producer = Producer(
        environment["PAGELINE_BROKER_URL"],
        key_prefix=environment.get("PAGELINE_KEY_PREFIX", "pageline:"),
        visibility_seconds=int(environment.get("PAGELINE_QUEUE__VISIBILITY_SECONDS", VISIBILITY_SECONDS)),
        socket_seconds=_SOCKET_SECONDS,
    )
    sorter = Sorter(_words(environment.get("PAGELINE_SOURCES", "")), environment.get("PAGELINE_RESULTS"))
    return Announcer(sorter, producer, environment.get("PAGELINE_TENANT", "default"))


def _words(text: str) -> list[str]:
    """Read a list as the settings do: JSON, or words with commas between."""
    if text.lstrip().startswith("["):
        return [str(word) for word in json.loads(text)]
    return [word.strip() for word in text.split(",") if word.strip()]
