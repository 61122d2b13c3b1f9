"""The bridge at an SQS queue of moto's server, told by S3, by SNS and by EventBridge."""

from __future__ import annotations

import json

import boto3
import pytest
from announcing import Ended, Recorder, body

from infra.errors import SettingsError, StorageError
from infra.storage import S3Options
from tasks.ref import DocumentRef
from worker.bridge import patience, sqs
from worker.bridge.announcer import Announcer
from worker.bridge.sorter import Sorter
from worker.bridge.sqs import SqsQueue


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def announcer(recorder: Recorder) -> Announcer:
    return Announcer(Sorter(["s3://uploads/in"], None), recorder, "default")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sqs, "_WAIT_SECONDS", 0)


class Sqs:
    """A queue with a dead-letter queue on moto's server, and what a test does with them."""

    def __init__(self, options: S3Options, name: str) -> None:
        access = {
            "endpoint_url": options.endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
        }
        self.client = boto3.client("sqs", **access)
        self.s3 = boto3.client("s3", **access)
        self.sns = boto3.client("sns", **access)
        self.events = boto3.client("events", **access)
        self.dead = self.client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": "2"}
        attributes = {"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(redrive)}
        self.url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, url: str) -> str:
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def send(self, text: str) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def counts(self, url: str | None = None) -> tuple[int, int]:
        """How many messages wait, and how many are hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def queue(moto_server: S3Options, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Sqs:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    return Sqs(moto_server, request.node.name.replace("_", "-")[-70:])


def test_a_put_comes_over_sqs_and_its_message_goes(
    queue: Sqs, announcer: Announcer, recorder: Recorder
) -> None:
    queue.s3.create_bucket(Bucket="uploads")
    told = [{"QueueArn": queue.arn(queue.url), "Events": ["s3:ObjectCreated:*"]}]
    queue.s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"QueueConfigurations": told}
    )
    put = queue.s3.put_object(Bucket="uploads", Key="in/a b+ü.pdf", Body=b"x")
    feed = SqsQueue(queue.url, S3Options())
    while queue.counts()[0]:
        feed._take_some(announcer)
    (ref,) = recorder.refs
    assert (ref.source, ref.key, ref.etag) == ("s3://uploads/in", "a b+ü.pdf", put["ETag"].strip('"'))
    assert announcer.counts.by_name()["of other kinds"] == 1  # S3's test event
    assert queue.counts() == (0, 0)


def test_what_a_topic_passes_on_is_announced(queue: Sqs, announcer: Announcer, recorder: Recorder) -> None:
    topic = queue.sns.create_topic(Name="uploads")["TopicArn"]
    queue.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn(queue.url))
    queue.sns.publish(TopicArn=topic, Message=body("in/a.pdf"))
    SqsQueue(queue.url, S3Options())._take_some(announcer)
    assert recorder.keys == ["a.pdf"]


def test_a_put_comes_over_eventbridge(queue: Sqs, announcer: Announcer, recorder: Recorder) -> None:
    queue.s3.create_bucket(Bucket="uploads")
    queue.s3.put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue.events.put_rule(Name="uploads", EventPattern=json.dumps({"source": ["aws.s3"]}))
    queue.events.put_targets(Rule="uploads", Targets=[{"Id": "1", "Arn": queue.arn(queue.url)}])
    queue.s3.put_object(Bucket="uploads", Key="in/a b+ü.pdf", Body=b"y")
    SqsQueue(queue.url, S3Options())._take_some(announcer)
    assert recorder.keys == ["a b+ü.pdf"]  # moto does not call the ETag as Amazon does
    assert queue.counts() == (0, 0)


def test_an_outage_costs_no_message_a_receipt(queue: Sqs, announcer: Announcer, recorder: Recorder) -> None:
    for n in range(3):
        queue.send(body(f"in/{n}.pdf"))
    recorder.refusals = 7  # more than the redrive policy allows receipts
    SqsQueue(queue.url, S3Options())._take_some(announcer)
    while queue.counts()[0]:
        SqsQueue(queue.url, S3Options())._take_some(announcer)
    assert recorder.keys == ["0.pdf", "1.pdf", "2.pdf"]
    assert queue.counts() == queue.counts(queue.dead) == (0, 0)


def test_messages_in_hand_stay_hidden_while_the_queue_is_away(
    queue: Sqs, announcer: Announcer, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(body("in/a.pdf"))
    recorder.refusals = 2
    feed = SqsQueue(queue.url, S3Options())
    feed._visibility = 0  # so that it is time to hide them again at once
    hidden: list[int] = []
    monkeypatch.setattr(feed, "_hide", lambda messages, seconds: hidden.append(len(messages)))
    feed._take_some(announcer)
    assert hidden[:2] == [1, 1]
    assert recorder.keys == ["a.pdf"]


def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue(
    queue: Sqs, announcer: Announcer, recorder: Recorder
) -> None:
    queue.send("no event")
    queue.send(body("in/a.pdf"))
    feed = SqsQueue(queue.url, S3Options())
    for _ in range(20):
        feed._take_some(announcer)
        if queue.counts(queue.dead) == (1, 0):
            break
    assert queue.counts(queue.dead) == (1, 0)
    assert queue.counts() == (0, 0)
    assert recorder.keys == ["a.pdf"]
    assert announcer.counts.by_name()["not understood"] == 2


def test_whoever_is_told_to_end_gives_back_what_is_in_hand(
    queue: Sqs, announcer: Announcer, recorder: Recorder
) -> None:
    for n in range(4):
        queue.send(body(f"in/{n}.pdf"))

    def end(ref: DocumentRef) -> None:
        raise Ended

    recorder.ending = end
    with pytest.raises(Ended):
        SqsQueue(queue.url, S3Options()).serve(announcer)
    assert queue.counts() == (4, 0)  # also the one that was announced: nobody had told so
    assert len(recorder.refs) == 1


def test_a_queue_that_is_not_there_is_said_in_a_sentence(queue: Sqs, moto_server: S3Options) -> None:
    with pytest.raises(StorageError, match="the queue"):
        SqsQueue(f"{moto_server.endpoint}/123456789012/none", S3Options())


@pytest.mark.parametrize(
    "form", ["{name}", "123456789012/{name}", "arn:aws:sqs:eu-west-1:123456789012:{name}"]
)
def test_a_queue_goes_by_its_name_with_account_or_arn(
    moto_server: S3Options,
    monkeypatch: pytest.MonkeyPatch,
    announcer: Announcer,
    recorder: Recorder,
    form: str,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", str(moto_server.endpoint))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")  # boto3 itself knows AWS_DEFAULT_REGION alone
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "123456789012")
    client = boto3.client("sqs", region_name="eu-west-1")
    url = client.create_queue(QueueName="by-name")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=body("in/a.pdf"))
    SqsQueue(form.format(name="by-name"), S3Options())._take_some(announcer)
    assert recorder.keys == ["a.pdf"]


def test_another_servers_queue_is_looked_for_in_the_region_of_the_environment(
    moto_server: S3Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    client = boto3.client("sqs", endpoint_url=moto_server.endpoint, region_name="eu-west-1")
    url = client.create_queue(QueueName="elsewhere")["QueueUrl"]
    assert SqsQueue(url, S3Options())._url == url


@pytest.mark.parametrize("name", ["arn:aws:sns:eu-west-1:123456789012:topic", "", "a queue"])
def test_what_names_no_queue_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(SettingsError, match=r"no queue of SQS|is no target|no spaces"):
        SqsQueue(name, S3Options())


def test_a_missing_region_is_said_with_what_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StorageError, match="AWS_REGION"):
        SqsQueue("uploads", S3Options())
