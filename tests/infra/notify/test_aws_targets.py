"""SNS, SQS and EventBridge of moto's server, and a Redis stream of a real one."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from infra.errors import TargetFailed, TargetUnreachable
from infra.notify import Message, NotifySettings, Target
from infra.notify.send import Sender
from infra.notify.stream import Streams
from infra.settings import QueueSettings
from infra.status import store_at
from infra.storage import S3Options
from worker.stack.valkey import ValkeyHandle

REGION = "eu-west-1"
EVENT = {"id": "d:1", "data": {"state": "succeeded"}}
MESSAGE = Message(id="d:1", group="d", body=json.dumps(EVENT).encode(), labels={"state": "succeeded"})


@pytest.fixture
def aws(moto_server: S3Options, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Clients as tests want them; what is sent finds moto through the environment."""
    values = {
        "AWS_ENDPOINT_URL": moto_server.endpoint or "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return boto3.session.Session().client


@pytest.fixture
def sender(valkey: ValkeyHandle) -> Any:
    store = store_at(valkey.redis_url, "aws:", QueueSettings())
    yield Sender(NotifySettings(timeout_seconds=5), Streams(store.client, store.keys, 10))
    for key in store.client.scan_iter("aws:*"):
        store.client.delete(key)
    store.close()


def queue(aws: Any, name: str) -> tuple[str, str]:
    """A new queue's URL and ARN."""
    extra = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    url = aws("sqs").create_queue(QueueName=name, Attributes=extra)["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def received(aws: Any, url: str) -> list[dict[str, Any]]:
    return list(
        aws("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        .get("Messages", [])
    )


def test_the_region_may_be_named_as_amazons_containers_do(
    aws: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = queue(aws, "here")
    told = aws("sqs")
    monkeypatch.delenv("AWS_DEFAULT_REGION")  # the only name of it that boto3 knows
    sender.send(Target.parse("sqs://here"), MESSAGE)
    assert told.receive_message(QueueUrl=url)["Messages"]


@pytest.mark.parametrize("form", ["sqs://plain", "arn"])
def test_a_queue_gets_the_event(aws: Any, sender: Sender, form: str) -> None:
    url, arn = queue(aws, "plain")
    sender.send(Target.parse(arn if form == "arn" else form), MESSAGE)
    (message,) = received(aws, url)
    aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert json.loads(message["Body"]) == EVENT
    assert message["MessageAttributes"]["state"]["StringValue"] == "succeeded"


def test_a_fifo_queue_drops_what_it_had_before(aws: Any, sender: Sender) -> None:
    url, _ = queue(aws, "ordered.fifo")
    for _ in range(2):
        sender.send(Target.parse("sqs://ordered.fifo"), MESSAGE)
    assert len(received(aws, url)) == 1


def test_a_topic_gets_the_event(aws: Any, sender: Sender) -> None:
    url, arn = queue(aws, "subscriber")
    topic = aws("sns").create_topic(Name="ended")["TopicArn"]
    aws("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    sender.send(Target.parse(topic), MESSAGE)
    (message,) = received(aws, url)
    assert json.loads(message["Body"]) == EVENT


def test_a_bus_gets_the_event(aws: Any, sender: Sender) -> None:
    url, arn = queue(aws, "rule-target")
    events = aws("events")
    events.create_event_bus(Name="pages")
    pattern = json.dumps({"source": ["pageline"], "detail-type": ["pageline.document.finished.v1"]})
    events.put_rule(Name="ended", EventBusName="pages", EventPattern=pattern)
    events.put_targets(Rule="ended", EventBusName="pages", Targets=[{"Id": "q", "Arn": arn}])
    sender.send(Target.parse("eventbridge://pages"), MESSAGE)
    (message,) = received(aws, url)
    assert json.loads(message["Body"])["detail"] == EVENT


@pytest.mark.parametrize(
    "text", ["sqs://nowhere", "arn:aws:sns:eu-west-1:123456789012:nowhere", "eventbridge://nowhere"]
)
def test_what_does_not_exist_is_tried_again(aws: Any, sender: Sender, text: str) -> None:
    with pytest.raises(TargetFailed, match="nowhere"):
        sender.send(Target.parse(text), MESSAGE)


def test_a_service_that_is_away_is_unreachable(
    aws: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TargetUnreachable, match="cannot be reached"):
        sender.send(Target.parse("arn:aws:sns:eu-north-1:123456789012:away"), MESSAGE)


def test_a_stream_keeps_about_as_many_as_it_may(valkey: ValkeyHandle, sender: Sender) -> None:
    target = Target.parse("redis-stream://ended")
    for _ in range(400):
        sender.send(target, MESSAGE)
    store = store_at(valkey.redis_url, "aws:", QueueSettings())
    entries: Any = store.client.xrange("aws:stream:ended")
    assert entries[-1][1] == {"event": MESSAGE.body.decode(), "state": "succeeded"}
    assert 10 <= len(entries) < 250  # Redis frees whole nodes of a hundred
    store.close()
