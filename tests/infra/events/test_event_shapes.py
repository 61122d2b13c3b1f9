"""Published shapes of storage events, and what is made of them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest

from infra.events import InvalidEvent, ObjectEvent, parse
from infra.events.event import in_order


def s3_record(key: str = "in/a+b%2Bc%C3%BC.pdf", **fields: Any) -> dict[str, Any]:
    """A record as S3's documentation shows it."""
    found = {
        "key": key,
        "size": 1024,
        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
        "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        "sequencer": "0055aed6dcd90281e5",
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-west-2",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "all",
            "bucket": {"name": "box", "arn": "arn:aws:s3:::box"},
            "object": found,
        },
        **fields,
    }


EXPECTED = ObjectEvent(
    kind="created",
    bucket="box",
    key="in/a b+cü.pdf",
    version="096fKKXTRTtl3on89fVO.nfljtsv6qko",
    etag="d41d8cd98f00b204e9800998ecf8427e",
    size=1024,
    sequencer="0055AED6DCD90281E5",
    source="aws:s3",
    time="1970-01-01T00:00:00.000Z",
)
NOTIFICATION = {"Records": [s3_record()]}
TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2014-10-13T15:57:02.089Z",
    "Bucket": "b",
}


def sns(message: Any) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:topic",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(message),
    }


def lambda_sqs(*messages: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": str(n), "body": json.dumps(message), "eventSource": "aws:sqs"}
            for n, message in enumerate(messages)
        ]
    }


def lambda_sns(message: Any) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns(message)}]}


def failure(payload: Any) -> dict[str, Any]:
    """What Lambda puts into a function's failure destination, as its documentation shows it."""
    return {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:my-function:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "RequestId: e4b46cbf Process exited before completing request"},
    }


MINIO = {"EventName": "s3:ObjectCreated:Put", "Key": "box/in/a b+cü.pdf", **NOTIFICATION}
MINIO_ACCESS = [{"Event": [s3_record()], "EventTime": "1970-01-01T00:00:00.000Z"}]


@pytest.mark.parametrize(
    "message",
    [
        NOTIFICATION,
        sns(NOTIFICATION),
        lambda_sqs(NOTIFICATION),
        lambda_sqs(sns(NOTIFICATION)),
        lambda_sns(NOTIFICATION),
        MINIO,
        MINIO_ACCESS,
        failure(NOTIFICATION),
        failure(lambda_sns(NOTIFICATION)),
    ],
    ids=[
        "s3",
        "sns",
        "lambda-sqs",
        "lambda-sqs-sns",
        "lambda-sns",
        "minio",
        "minio-redis-list",
        "lambda-failure",
        "lambda-failure-sns",
    ],
)
def test_one_object_is_told_of_in_many_wrappings(message: Any) -> None:
    text = json.dumps(message)
    assert parse(text) == parse(text.encode()) == parse(message) == [EXPECTED]


def eventbridge(**fields: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": "2021-11-12T00:00:00Z",
        "detail": {
            "version": "0",
            "bucket": {"name": "box"},
            "object": {
                "key": "a+b%20.pdf",
                "size": 5,
                "etag": '"e"',
                "version-id": "v",
                "sequencer": "00617F0829",
            },
            "reason": "PutObject",
        },
        **fields,
    }


def test_keys_in_eventbridge_are_not_encoded() -> None:
    (event,) = parse(eventbridge())
    assert (event.key, event.etag, event.version, event.sequencer) == ("a+b%20.pdf", "e", "v", "00617F0829")
    assert (event.size, event.source, event.time) == (5, "eventbridge", "2021-11-12T00:00:00Z")
    (removed,) = parse(sns(eventbridge(**{"detail-type": "Object Deleted"})))
    assert removed.kind == "removed"
    assert parse(eventbridge(**{"detail-type": "Object Tags Added"})) == []


def test_every_record_counts_and_in_its_order() -> None:
    events = parse({"Records": [s3_record("a"), s3_record("b", eventName="s3:ObjectRemoved:Delete")]})
    assert [(event.key, event.kind) for event in events] == [("a", "created"), ("b", "removed")]
    assert [event.key for event in parse(lambda_sqs(NOTIFICATION, NOTIFICATION, TEST_EVENT))] == [
        EXPECTED.key
    ] * 2


@pytest.mark.parametrize("name", ["ObjectTagging:Put", "s3:ObjectAccessed:Get", "ObjectRestore:Completed"])
def test_events_that_bring_no_object_are_none(name: str) -> None:
    assert parse({"Records": [s3_record(eventName=name)]}) == []
    assert parse(TEST_EVENT) == parse(sns(TEST_EVENT)) == []


@pytest.mark.parametrize("name", ["ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete"])
def test_whatever_takes_an_object_away_removes_it(name: str) -> None:
    assert [event.kind for event in parse({"Records": [s3_record(eventName=name)]})] == ["removed"]


def test_unknown_minor_versions_pass_and_major_ones_do_not() -> None:
    assert parse({"Records": [s3_record(eventVersion="2.99", news=1)]}) == [EXPECTED]
    with pytest.raises(InvalidEvent, match=r"version '3\.0'"):
        parse({"Records": [s3_record(eventVersion="3.0")]})


def test_what_a_bucket_without_versions_says_is_no_version() -> None:
    record = s3_record()
    record["s3"]["object"] |= {"versionId": "null", "eTag": "", "sequencer": "not hex", "size": -1}
    (event,) = parse({"Records": [record]})
    assert (event.version, event.etag, event.sequencer, event.size) == (None, None, None, None)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5000, "not JSON"),
        ("[]", "no JSON object"),
        ("3", "no JSON object"),
        ({}, "no shape"),
        ({"Records": {}}, "no list"),
        ({"Records": [1]}, "no object"),
        ({"Records": [{}]}, "no text 'eventName'"),
        ({"Records": [s3_record(s3=None)]}, "no object 's3'"),
        ({"Records": [s3_record("%FF.pdf")]}, "key is not UTF-8"),
        ({"Records": [s3_record("\ud800")]}, "'key' is not Unicode"),
        ({"Records": [s3_record("")]}, "no text 'key'"),
        ({"Records": [s3_record(eventTime=5)]}, "'eventTime' is no text"),
        ({"eventNotification": {}}, "no time 'tsNs'"),
        ({"eventNotification": {"newEntry": {}}, "tsNs": "1"}, "no text 'name'"),
        ({"detail-type": "Object Created"}, "no object 'detail'"),
        (sns(sns(sns(sns(NOTIFICATION)))), "wrapped too often"),
        ({"Type": "SubscriptionConfirmation", "Message": "confirm"}, "no shape"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(message: Any, sentence: str) -> None:
    with pytest.raises(InvalidEvent, match=sentence) as caught:
        parse(message)
    assert "\n" not in str(caught.value)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def entry(name: str, *, etag: str = "e", **extended: str) -> dict[str, Any]:
    said = {"Seaweed-X-Amz-ETag": etag, **extended}
    return {
        "name": name,
        "isDirectory": False,
        "attributes": {"fileSize": "6", "md5": base64.b64encode(b"\1\2").decode()},
        "extended": {name: encoded(value) for name, value in said.items()},
    }


def change(
    old: Any, new: Any, *, before: str = "/buckets/box/in", after: str = "/buckets/box/in"
) -> dict[str, Any]:
    notification = {"oldEntry": old, "newEntry": new, "newParentPath": after if new else ""}
    return {"directory": before, "eventNotification": notification, "tsNs": "1795376597690944698"}


def told(message: Any) -> list[tuple[str, str, str | None]]:
    return [(event.kind, event.key, event.version) for event in parse(message)]


def test_changes_of_a_filer_are_events_of_objects() -> None:
    (event,) = parse(change(None, entry("a b+.pdf")))
    assert event == ObjectEvent(
        "created", "box", "in/a b+.pdf", None, "e", 6, "18EA7580D76B0CBA", "seaweedfs", "1795376597690944698"
    )
    assert told(change(entry("a.pdf"), entry("a.pdf"))) == [("created", "in/a.pdf", None)]
    assert told(change(entry("a.pdf"), None)) == [("removed", "in/a.pdf", None)]
    moved = change(entry("a.pdf"), entry("b.pdf"), after="/buckets/box/out")
    assert told(moved) == [("removed", "in/a.pdf", None), ("created", "out/b.pdf", None)]


def test_files_of_a_filer_that_are_no_objects_are_passed_over() -> None:
    folder = {"name": "in", "isDirectory": True}
    assert parse(change(None, folder)) == parse(change(folder, folder)) == []
    assert parse(change(None, entry("0001.part"), after="/buckets/box/.uploads/1")) == []
    assert parse(change(None, entry("a.pdf"), after="/elsewhere")) == []
    assert parse(change(None, entry("box"), after="/buckets")) == []


def test_versions_of_a_filer_are_versions_of_one_object() -> None:
    place = {"before": "/buckets/box/in/a.pdf.versions", "after": "/buckets/box/in/a.pdf.versions"}
    version = {"Seaweed-X-Amz-Version-Id": "67f2"}
    made = change(None, entry("v_67f2", **version), **place)
    assert told(made) == [("created", "in/a.pdf", "67f2")]
    no_longer_current = change(entry("v_67f2", **version), entry("v_67f2", **version), **place)
    assert parse(no_longer_current) == []
    marker = entry("v_9", **{"Seaweed-X-Amz-Version-Id": "9", "Seaweed-X-Amz-Delete-Marker": "true"})
    assert told(change(None, marker, **place)) == [("removed", "in/a.pdf", "9")]


def test_a_file_without_an_etag_of_its_own_has_that_of_its_content() -> None:
    plain = entry("a.pdf")
    del plain["extended"]
    assert [event.etag for event in parse(change(None, plain))] == ["0102"]


def test_sequencers_of_one_key_compare_as_text() -> None:
    assert in_order("0a") < in_order("0A1") < in_order("0b")
    assert in_order("0A") == in_order("0a00")


def test_importing_the_parsers_brings_nothing_but_the_standard_library() -> None:
    program = "import json, sys, infra.events; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(found.stdout)}
    assert not loaded & {"boto3", "pydantic", "celery", "redis", "numpy", "cv2"}
