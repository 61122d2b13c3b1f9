"""Hands events to SNS, SQS and EventBridge. Loaded only by who sends there: boto3 takes 0.2 s.

Credentials and endpoints are found by boto3's own rules (`AWS_ENDPOINT_URL_SQS` ...), and so is the region
where neither an ARN nor `AWS_REGION` names it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import boto3
from botocore import exceptions as boto
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.errors import TargetFailed, TargetUnreachable
from infra.notify.event import TYPE
from infra.notify.message import Message
from infra.notify.targets import Kind, Target
from infra.region import home_region

_SERVICES = {Kind.SNS: "sns", Kind.SQS: "sqs", Kind.EVENTBRIDGE: "events"}
_FIFO = ".fifo"
_UNREACHABLE = (boto.ConnectionError, boto.HTTPClientError)


def hand_over(target: Target, message: Message, *, timeout_seconds: float) -> None:
    """Hand an event over. Raises `TargetFailed` and `TargetUnreachable`."""
    text = message.body.decode()
    with _translated(target):
        client = _client(os.getpid(), _SERVICES[target.kind], target.region or home_region(), timeout_seconds)
        if target.kind is Kind.SNS:
            client.publish(TopicArn=target.place, Message=text, **_extras(target, message))
        elif target.kind is Kind.SQS:
            queue = _queue(client, target.place, target.account)
            client.send_message(QueueUrl=queue, MessageBody=text, **_extras(target, message))
        else:
            _put_event(client, target, text)


@lru_cache(maxsize=32)
def _client(_process: int, service: str, region: str | None, timeout_seconds: float) -> Any:
    """Return this process's client; it is safe to use from several threads at once."""
    half = timeout_seconds / 2
    # Our own retries come after a delay, and leave the thread to others meanwhile.
    config = Config(connect_timeout=half, read_timeout=half, retries={"total_max_attempts": 1})
    # A session of its own: boto3's default one is not safe to share between threads that make clients.
    session: Any = boto3.session.Session()
    return session.client(service, region_name=region, config=config)


@lru_cache(maxsize=256)
def _queue(client: Any, name: str, account: str | None) -> str:
    owner = {"QueueOwnerAWSAccountId": account} if account else {}
    return str(client.get_queue_url(QueueName=name, **owner)["QueueUrl"])


def _extras(target: Target, message: Message) -> dict[str, Any]:
    """What topics and queues filter by, and for those that keep order, what they keep it by."""
    labels = {
        name: {"DataType": "String", "StringValue": value} for name, value in message.labels.items() if value
    }
    order = {"MessageGroupId": message.group, "MessageDeduplicationId": message.id}
    return {"MessageAttributes": labels} | (order if target.place.endswith(_FIFO) else {})


def _put_event(client: Any, target: Target, text: str) -> None:
    entry = {
        "Source": "pageline",
        "DetailType": TYPE,
        "Detail": text,
        "EventBusName": target.place,
    }
    answer = client.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        failed = answer["Entries"][0]
        raise TargetFailed(f"{target.name}: {failed.get('ErrorCode')} ({failed.get('ErrorMessage')})")


@contextmanager
def _translated(target: Target) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        words = f"{said.get('Code', '')} ({said.get('Message', '')})"
        raise TargetFailed(f"{target.name} answers {words}") from error
    except _UNREACHABLE as error:
        raise TargetUnreachable(f"{target.name} cannot be reached ({error})") from error
    except boto.NoRegionError as error:
        raise TargetFailed(f"{target.name}: no region is named; AWS_REGION does that, or an ARN") from error
    except boto.BotoCoreError as error:
        raise TargetFailed(f"{target.name}: {error}") from error
