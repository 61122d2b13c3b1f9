"""The dashboard and the alerts ask for metrics that there are, and pages tell of every alert and metric."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.telemetry.catalogue import METRICS, PREFIX, Metric, series

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = ROOT / "infra" / "deploy" / "grafana" / "pageline.json"
ALERTS = ROOT / "infra" / "deploy" / "prometheus" / "alerts.yaml"
PAGES = ROOT / "docs"
_SELECTOR = re.compile(r"(pageline_[a-z_]+)(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def expressions() -> Iterator[tuple[str, str]]:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for alert in alerts():
        yield alert["alert"], alert["expr"]


def metric_of(name: str) -> Metric:
    return next(metric for short, metric in METRICS.items() if name in metric.series(short))


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_every_metric_and_label_that_is_asked_for_exists(title: str, expression: str) -> None:
    asked = _SELECTOR.findall(expression)
    assert asked
    labels = {"le"}
    for name, selector in asked:
        assert name in series()
        known = metric_of(name).labels
        assert set(re.findall(r"(\w+)(?:=~?|!=)", selector)) <= set(known)
        labels |= set(known)
    for grouping in _GROUPING.findall(expression):
        assert {label.strip() for label in grouping.split(",")} <= labels
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for _, expression in expressions() for name, _ in _SELECTOR.findall(expression)}
    assert [short for short, metric in METRICS.items() if not shown & set(metric.series(short))] == []


def test_panels_lie_beside_each_other_and_have_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_every_alert_says_what_it_means_and_how_grave_it_is() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert set(alert["annotations"]) == {"summary", "description"}


def test_the_page_lists_the_alerts_and_metrics_that_there_are() -> None:
    page = (PAGES / "observability.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(Pageline\w+)`", page, re.MULTILINE)) == {one["alert"] for one in alerts()}
    listed = set(re.findall(r"^\| `(pageline_\w+)`", page, re.MULTILINE))
    assert listed == {PREFIX + name for name in METRICS}


def test_there_is_a_line_about_what_to_do_for_every_alert() -> None:
    page = (PAGES / "operations.md").read_text(encoding="utf-8")
    assert [one["alert"] for one in alerts() if one["alert"] not in page] == []
