"""How containers are locked in, and that the parts of each description fit each other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import typer
import yaml
from manifests import AWS, DEPLOY, ROOT, compose, documents, pods, templates

from worker.cli.app import app

TEMPLATES = templates()
OPERATIONS = ROOT / "docs" / "operations.md"


@pytest.mark.parametrize(("name", "template"), pods(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_pod_is_nobody_and_can_write_to_nothing_but_its_volumes(
    name: str, template: dict[str, Any]
) -> None:
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        volumes = {one["name"] for one in spec.get("volumes", ())} | {"data"}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


def test_selectors_find_pods() -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods()}
    kinds = ("PodDisruptionBudget", "Service", "Deployment", "StatefulSet")
    for one in documents():
        if one["kind"] in kinds:
            selector = one["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= found.items() for found in labels.values()), one["metadata"]
    for name in labels:
        if name.startswith("pageline") and name != "pageline-bridge":
            budgets = [one for one in documents() if one["kind"] == "PodDisruptionBudget"]
            assert any(one["metadata"]["name"] == name for one in budgets), f"{name} has no budget"


@pytest.mark.parametrize("name", compose()["services"])
def test_a_service_of_compose_is_locked_in(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert ":latest" not in service["image"]
    assert re.search(r":[\w.-]+(@sha256:[0-9a-f]{64})?$", service["image"])


def test_redis_evicts_nothing_and_keeps_what_it_holds_everywhere() -> None:
    command = " ".join(compose()["services"]["valkey"]["command"])
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--port 0", "--tls-port 6379"):
        assert option in command
    trial = dict(pods())["valkey"]["spec"]["containers"][0]["command"][-1]
    assert "--appendonly yes" in trial
    assert "--maxmemory-policy noeviction" in trial
    broker = TEMPLATES["broker"]["Resources"]
    assert broker["Parameters"]["Properties"]["Properties"] == {"maxmemory-policy": "noeviction"}
    assert broker["Broker"]["Properties"]["TransitEncryptionMode"] == "required"
    assert broker["Broker"]["Properties"]["NumNodeGroups"] == 1, "Celery does not run on a Redis Cluster"


def test_stacks_import_what_others_export() -> None:
    exported = {
        one["Export"]["Name"]["Fn::Sub"]
        for each in TEMPLATES.values()
        for one in each.get("Outputs", {}).values()
    }
    for path in AWS.glob("*.yaml"):
        for name in re.findall(r"Fn::ImportValue: !Sub (\S+)", path.read_text()):
            assert name in exported, f"{path.name} imports {name}, which no template exports"


def _resources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for template in TEMPLATES.values():
        for name, one in template["Resources"].items():
            if one["Type"] == kind:
                yield name, one["Properties"]


def test_a_task_is_locked_in() -> None:
    tasks = dict(_resources("AWS::ECS::TaskDefinition"))
    assert len(tasks) == 5
    for properties in tasks.values():
        (container,) = properties["ContainerDefinitions"]
        assert container["User"] == "10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert container["StopTimeout"] <= 120, "Fargate waits no longer"


@pytest.mark.parametrize("kind", ["Cpu", "Gpu"])
def test_there_are_always_as_many_tasks_as_are_wanted(kind: str) -> None:
    steps = dict(_resources("AWS::ApplicationAutoScaling::ScalingPolicy"))[f"{kind}Some"][
        "StepScalingPolicyConfiguration"
    ]["StepAdjustments"]
    assert steps[0]["MetricIntervalLowerBound"] == 0
    assert "MetricIntervalUpperBound" not in steps[-1]
    for before, after in pairwise(steps):
        assert before["MetricIntervalUpperBound"] == after["MetricIntervalLowerBound"], "no gap, no overlap"
    for wanted in (0.001, 0.5, 1.0, 1.5, 3.0, 7.9, 9.0, 31.0):
        chosen = next(
            one
            for one in steps
            if one["MetricIntervalLowerBound"] < wanted <= one["MetricIntervalUpperBound"]
        )
        assert math.ceil(wanted) <= chosen["ScalingAdjustment"] < 2 * math.ceil(wanted) + 1


def test_scaling_follows_the_metric_that_is_told() -> None:
    from infra.cloudwatch import NAMESPACE  # noqa: PLC0415 - boto3, for this test alone
    from worker.cloudwatch import WANTED, WORKERS  # noqa: PLC0415 - as above

    told = {WANTED, WORKERS}
    for name, alarm in _resources("AWS::CloudWatch::Alarm"):
        inner = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
        for metric in [alarm, *inner]:
            if metric.get("Namespace") == NAMESPACE:
                assert metric["MetricName"] in told, name
                assert [one["Name"] for one in metric["Dimensions"]] == ["Fleet", "Kind"]


def test_every_alert_of_prometheus_has_its_entry_among_the_operations() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert f"`{rule['alert']}`" in text, f"docs/operations.md does not tell of {rule['alert']}"


def test_every_command_that_operators_are_told_of_exists() -> None:
    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    told = [OPERATIONS, *DEPLOY.glob("*/README.md")]
    for path in told:
        for name in re.findall(r"(?:^|`)pageline ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in group.commands, f"{path.name} names pageline {name}"


def test_every_alarm_of_the_cloud_has_its_entry_among_the_operations() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    for _, alarm in _resources("AWS::CloudWatch::Alarm"):
        name = alarm["AlarmName"]["Fn::Sub"].removeprefix("${Fleet}-")
        if not alarm["AlarmDescription"].startswith("Not for people"):
            assert f"`{name}`" in text, f"docs/operations.md does not tell of {name}"
