"""Tells Amazon CloudWatch of the fleet. Loaded only by who does: boto3 takes 0.2 s.

Credentials are found by boto3's own rules (`AWS_ENDPOINT_URL_CLOUDWATCH` ...), and so is the region where
`AWS_REGION` does not name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from infra.errors import MetricsUntold
from infra.region import home_region

NAMESPACE = "Pageline"
_SECONDS = 5.0
_REFUSED = (boto.BotoCoreError, boto.ClientError)


class CloudWatch:
    """Metrics of one fleet, by kind of worker: dimensions `Fleet` and `Kind`."""

    def __init__(self, fleet: str) -> None:
        """Nothing is contacted yet. Raises `MetricsUntold` where no region is set."""
        self._fleet = fleet
        config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2})
        session: Any = boto3.session.Session()
        try:
            self._client: Any = session.client("cloudwatch", region_name=home_region(), config=config)
        except boto.BotoCoreError as error:
            raise MetricsUntold(f"CloudWatch cannot be told of the fleet {fleet}: {error}") from error

    def tell(self, kind: str, values: Mapping[str, float]) -> None:
        """Tell values of now, by name, of one kind of worker. Raises `MetricsUntold`."""
        dimensions = [{"Name": "Fleet", "Value": self._fleet}, {"Name": "Kind", "Value": kind}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "StorageResolution": 60}
            for name, value in values.items()
        ]
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except _REFUSED as error:
            raise MetricsUntold(f"CloudWatch was not told of the fleet {self._fleet}: {error}") from error
