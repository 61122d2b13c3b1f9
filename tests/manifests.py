"""Deployment files as tests see them: what each container is told and told to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "infra" / "deploy"
KUBERNETES, AWS = DEPLOY / "kubernetes", DEPLOY / "aws"
_ANYTHING = "1"  # in place of what is known only where it is deployed
_URL = "rediss://:secret@broker:6379/0"


@dataclass(frozen=True)
class Container:
    """One container of this program.

    Attributes:
        environment: Its variables, those that the platform fills in with something that may stand there.
        grace: Seconds until the platform kills it.
        probes: Paths that the platform asks on `port`.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    grace: float
    probes: tuple[str, ...] = ()
    port: int | None = None

    def __str__(self) -> str:
        return self.name


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as its long ones."""


def _long(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = "Ref" if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _long)  # type: ignore[no-untyped-call]  # its stubs say nothing of this one


def documents(*places: str) -> list[dict[str, Any]]:
    """Return every object of Kubernetes below these folders of `kubernetes/`, or in base and components."""
    folders = [KUBERNETES / place for place in places or ("base", "components")]
    files = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
    wanted = [path for path in files if path.name != "kustomization.yaml"]
    return [one for path in wanted for one in yaml.safe_load_all(path.read_text()) if one]


def templates() -> dict[str, dict[str, Any]]:
    """Return CloudFormation's templates by name."""
    return {path.stem: yaml.load(path.read_text(), _Loader) for path in sorted(AWS.glob("*.yaml"))}


def compose() -> dict[str, Any]:
    """Return the Compose file with its anchors put in."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    return found


def settings_files() -> dict[str, dict[str, str]]:
    """Return the settings of base and overlays, by overlay: those of the base and what it adds."""
    base = _pairs(KUBERNETES / "base" / "settings.env")
    overlays = sorted((KUBERNETES / "overlays").iterdir())
    return {path.name: base | _pairs(path / "settings.env") for path in overlays}


def containers() -> list[Container]:
    """Return every container of this program on every platform."""
    return [*_of_kubernetes(), *_of_compose(), *_of_ecs()]


def pods() -> list[tuple[str, dict[str, Any]]]:
    """Return what each workload of Kubernetes makes pods of, by name."""
    workloads = [one for one in documents() if one["kind"] in ("Deployment", "StatefulSet")]
    return [(one["metadata"]["name"], one["spec"]["template"]) for one in workloads]


def _pairs(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _of_kubernetes() -> Iterator[Container]:
    for name, template in pods():
        spec = template["spec"]
        (container,) = spec["containers"]
        if not container["image"].startswith("pageline"):
            continue
        given = {one["name"]: one["value"] for one in container.get("env", ())}
        files = [one["configMapRef"]["name"] for one in container["envFrom"] if "configMapRef" in one]
        shared = settings_files()["gpu"] if "pageline-settings" in files else {}
        probes = [container.get(f"{probe}Probe", {}) for probe in ("startup", "readiness", "liveness")]
        ports = [one["containerPort"] for one in container.get("ports", ())]
        yield Container(
            f"kubernetes {name}",
            tuple(container["args"]),
            {"PAGELINE_BROKER_URL": _URL} | shared | given,
            spec["terminationGracePeriodSeconds"],
            tuple(probe["httpGet"]["path"] for probe in probes if "httpGet" in probe),
            ports[0] if ports else None,
        )


def _of_compose() -> Iterator[Container]:
    for name, service in compose()["services"].items():
        if not service["image"].startswith("pageline") or "entrypoint" in service:
            continue
        given = {
            key: re.sub(r"\$\{[^}]*\}", "secret", value) for key, value in service["environment"].items()
        }
        asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", str(service.get("healthcheck", "")))
        yield Container(
            f"compose {name}",
            tuple(service["command"]),
            given,
            float(service["stop_grace_period"].removesuffix("s")),
            tuple(path for _, path in asked),
            int(asked[0][0]) if asked else None,
        )


def _of_ecs() -> Iterator[Container]:
    for template in templates().values():
        for resource in template["Resources"].values():
            if resource["Type"] != "AWS::ECS::TaskDefinition":
                continue
            (container,) = resource["Properties"]["ContainerDefinitions"]
            told = template["Parameters"]
            given = {one["Name"]: filled(one["Value"], told) for one in container["Environment"]}
            asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", str(container.get("HealthCheck", "")))
            yield Container(
                f"ecs {container['Name']}",
                _command(container["Command"]),
                {"PAGELINE_BROKER_URL": _URL} | given,
                container["StopTimeout"],
                tuple(path for _, path in asked),
                int(asked[0][0]) if asked else None,
            )


def _command(words: list[Any]) -> tuple[str, ...]:
    plain = [filled(word) for word in words]
    within = re.search(r"exec pageline (.*)", plain[0])
    return tuple(within[1].split() if within else plain)


def filled(value: Any, parameters: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> str:
    """Put a parameter's default, or something that may stand there, where CloudFormation would look it up."""
    if isinstance(value, str):
        return value
    (function, given), *_ = value.items()
    if function == "Fn::Sub":
        text, names = given if isinstance(given, list) else (given, {})
        told = {name: str(one).rpartition("-")[2].strip("'}") for name, one in names.items()}
        return re.sub(r"\$\{(\w+)\}", lambda match: told.get(match[1], "some"), text)
    default = parameters.get(given, {}).get("Default") if function == "Ref" else None
    return _ANYTHING if default is None else default
