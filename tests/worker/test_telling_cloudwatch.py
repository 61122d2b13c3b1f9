from __future__ import annotations

from collections.abc import Mapping

import pytest

import infra.cloudwatch
from infra.errors import MetricsUntold
from infra.settings import load_settings
from infra.status import open_store
from tasks.context import Tools
from worker.cloudwatch import telling
from worker.stack.valkey import ValkeyHandle


class Collector:
    """Takes down what it is told, or refuses it."""

    told: dict[str, dict[str, float]]
    refuses = False

    def __init__(self, fleet: str) -> None:
        self.told = {}
        Collector.last = self
        assert fleet == "mine"

    def tell(self, kind: str, values: Mapping[str, float]) -> None:
        if Collector.refuses:
            raise MetricsUntold("CloudWatch was not told")
        self.told[kind] = dict(values)

    last: Collector


@pytest.fixture
def tools(valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr(infra.cloudwatch, "CloudWatch", Collector)
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": "telling-cloudwatch:",
            "results": "file:///nowhere",
            "cloudwatch": {"fleet": "mine"},
            "cold_kinds": {"gpu": {"seconds": 240, "megapixels_per_second": 20}},
        }
    )
    return Tools(settings, open_store(settings), lambda *_: None)


def test_every_kind_that_can_be_started_is_told_of_though_it_is_at_zero(tools: Tools) -> None:
    assert telling(tools)() == 2
    nothing = {"WorkersWanted": 0.0, "Workers": 0.0}
    assert Collector.last.told == {"cpu": nothing, "gpu": nothing}


def test_a_refusal_is_logged_and_nothing_more(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Collector, "refuses", True)
    assert telling(tools)() == 0
    assert "CloudWatch was not told" in caplog.text
