from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import boto3
import pytest

from infra.cloudwatch import NAMESPACE, CloudWatch
from infra.errors import MetricsUntold
from infra.storage import S3Options


@pytest.fixture
def amazon(moto_server: S3Options, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {
        "AWS_ENDPOINT_URL_CLOUDWATCH": moto_server.endpoint or "",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client("cloudwatch")


def test_values_arrive_by_fleet_and_kind(amazon: Any) -> None:
    fleet = uuid4().hex
    cloudwatch = CloudWatch(fleet)
    cloudwatch.tell("cpu", {"WorkersWanted": 3.5, "Workers": 2.0})
    cloudwatch.tell("gpu", {"WorkersWanted": 0.0})
    assert _newest(amazon, fleet, "cpu", "WorkersWanted") == 3.5
    assert _newest(amazon, fleet, "cpu", "Workers") == 2.0
    assert _newest(amazon, fleet, "gpu", "WorkersWanted") == 0.0


def test_an_address_where_nobody_answers_is_one_sentence(
    amazon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:1")
    with pytest.raises(MetricsUntold, match="was not told of the fleet mine"):
        CloudWatch("mine").tell("cpu", {"Workers": 1.0})


def test_what_cloudwatch_refuses_is_one_sentence(amazon: Any) -> None:
    with pytest.raises(MetricsUntold, match="was not told of the fleet mine"):
        CloudWatch("mine").tell("cpu", {"Workers": float("nan")})


def test_the_region_may_be_named_as_amazons_containers_do(
    amazon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    fleet = uuid4().hex
    CloudWatch(fleet).tell("cpu", {"Workers": 1.0})
    assert _newest(amazon, fleet, "cpu", "Workers") == 1.0


def test_a_missing_region_is_told_at_once(amazon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(MetricsUntold, match="region"):
        CloudWatch("mine")


def _newest(amazon: Any, fleet: str, kind: str, metric: str) -> float:
    now = dt.datetime.now(dt.UTC)
    found = amazon.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=metric,
        Dimensions=[{"Name": "Fleet", "Value": fleet}, {"Name": "Kind", "Value": kind}],
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now + dt.timedelta(minutes=5),
        Period=60,
        Statistics=["Maximum"],
    )
    return float(found["Datapoints"][-1]["Maximum"])
