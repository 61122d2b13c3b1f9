"""What containers are told and told to do: no validator knows the program's own variables and commands."""

from __future__ import annotations

import re

import click
import pytest
import typer
import yaml
from manifests import (
    DEPLOY,
    KUBERNETES,
    Container,
    compose,
    containers,
    documents,
    pods,
    settings_files,
    templates,
)
from pydantic import BaseModel

from infra.settings import PREFIX, Settings, load_settings
from worker.cli.app import app
from worker.http.scale import Scale

ALL = containers()
WORKERS = [one for one in ALL if one.command[0] == "worker"]
OWN = {"PAGELINE_BRIDGE_TOKEN"}  # read by one part, without being a setting


def known(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> set[str]:
    """Every variable that there is."""
    names = set()
    for name, field in model.model_fields.items():
        names.add(f"{prefix}{name.upper()}")
        inner = field.annotation
        if isinstance(inner, type) and hasattr(inner, "__annotations__") and not issubclass(inner, str):
            names |= {f"{prefix}{name.upper()}__{one.upper()}" for one in inner.__annotations__}
    return names


def test_every_platform_runs_the_whole_fleet() -> None:
    for platform in ("kubernetes", "compose", "ecs"):
        does = {" ".join(one.command[:3]) for one in ALL if one.name.startswith(platform)}
        assert {"worker --device control", "worker --device cpu", "serve"} <= does
        assert any(one.startswith("bridge") for one in does)


@pytest.mark.parametrize("container", ALL, ids=str)
def test_every_variable_is_a_setting_that_can_be_read(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {name: value for name, value in container.environment.items() if name.startswith(PREFIX)}
    assert set(ours) - OWN <= known()
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.results.startswith("s3://")
    assert settings.broker_url.startswith("rediss://"), "what leaves the machine is encrypted"


@pytest.mark.parametrize("overlay", settings_files())
def test_the_settings_of_every_overlay_can_be_read(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings_files()[overlay].items():
        assert name in known()
        monkeypatch.setenv(name, value)
    assert load_settings().shutdown.grace_seconds == 300


def test_no_file_names_a_variable_that_does_not_exist() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.suffix in {".yaml", ".env", ".md"}]
    found = {
        name
        for path in files
        for name in re.findall(r"\bPAGELINE_[A-Z0-9_]*[A-Z0-9]\b(?!__)", path.read_text())
    }
    assert found - known() - OWN - {"PAGELINE_TENANT"} == set(), (
        "PAGELINE_TENANT is the Lambda function's own"
    )


@pytest.mark.parametrize("container", ALL, ids=str)
def test_every_command_exists_with_its_options(container: Container) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    name, *words = container.command
    command = group.commands[name]
    command.make_context(name, list(words))  # raises where an option or argument is unknown


@pytest.mark.parametrize("container", WORKERS, ids=str)
def test_a_worker_ends_itself_before_the_platform_kills_it(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in container.environment.items():
        monkeypatch.setenv(name, value)
    shutdown = load_settings().shutdown
    assert container.grace >= shutdown.grace_seconds > shutdown.timer_seconds


@pytest.mark.parametrize("container", [one for one in ALL if one.command[0] == "serve"], ids=str)
def test_the_service_is_probed_where_it_answers(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in container.environment.items():
        monkeypatch.setenv(name, value)
    http = load_settings().http
    assert http.host == "0.0.0.0"
    assert container.port == http.port
    assert container.probes
    assert set(container.probes) <= {"/healthz", "/readyz"}
    assert http.anonymous is (http.keys_file is None), "without keys, only by its own machine"


@pytest.mark.parametrize(
    "container",
    [one for one in ALL if not one.name.startswith("compose") and one.command[0] in ("worker", "serve")],
    ids=str,
)
def test_whoever_routes_or_answers_knows_what_can_be_started(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in container.environment.items():
        monkeypatch.setenv(name, value)
    assert "cpu" in load_settings().cold_kinds


def test_every_stack_is_told_the_same_of_what_can_be_started() -> None:
    told = [
        one["Parameters"]["ColdKinds"] for one in templates().values() if "ColdKinds" in one["Parameters"]
    ]
    assert len(told) == 4
    assert all(one == told[0] for one in told)


@pytest.mark.parametrize("overlay", settings_files())
def test_an_overlay_says_of_exactly_what_it_scales_that_it_can_be_started(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kustomization = yaml.safe_load((KUBERNETES / "overlays" / overlay / "kustomization.yaml").read_text())
    scaled = {one.rpartition("/")[2] for one in kustomization["components"] if "/scaling/" in one}
    for name, value in settings_files()[overlay].items():
        monkeypatch.setenv(name, value)
    assert load_settings().cold_kinds.keys() == scaled


def test_a_service_without_keys_is_reached_from_its_own_machine_alone() -> None:
    serve = compose()["services"]["serve"]
    assert all(port.startswith("127.0.0.1:") for port in serve["ports"])


def test_keda_reads_what_scale_says() -> None:
    scaled = [one for one in documents("components/scaling") if one["kind"] == "ScaledObject"]
    deployments = {one["metadata"]["name"] for one in documents() if one["kind"] == "Deployment"}
    namespace, service = (
        next(one for one in documents("base") if one["kind"] == kind) for kind in ("Namespace", "Service")
    )
    host = f"{service['metadata']['name']}.{namespace['metadata']['name']}.svc"
    assert len(scaled) == 3
    for one in scaled:
        target = one["spec"]["scaleTargetRef"]["name"]
        (trigger,) = one["spec"]["triggers"]
        kind = target.removeprefix("pageline-")
        assert target in deployments
        url = f"http://{host}:{service['spec']['ports'][0]['port']}/scale/{kind}?drain_seconds="
        assert trigger["metadata"]["url"].startswith(url)
        assert trigger["metadata"]["valueLocation"] in Scale.model_fields
        assert one["spec"]["minReplicaCount"] == 0


@pytest.mark.parametrize("container", WORKERS, ids=str)
def test_a_worker_is_replaced_before_it_meets_its_memory_limit(container: Container) -> None:
    told = container.environment.get("PAGELINE_QUEUE__CHILD_MEMORY_MB")
    limits = _limits()
    if told is not None:
        assert 0.7 <= int(told) / limits[container.name] <= 0.85
    else:
        assert container.command[-1] == "control", "every worker that reads has a limit"


def _limits() -> dict[str, float]:
    """What each container may hold, scratch space in memory left out, in MiB."""
    found = {}
    for name, template in pods():
        (container,) = template["spec"]["containers"]
        found[f"kubernetes {name}"] = float(container["resources"]["limits"]["memory"].rstrip("MGi")) * (
            1024 if container["resources"]["limits"]["memory"].endswith("Gi") else 1
        )
    for template in templates().values():
        for one in template["Resources"].values():
            if one["Type"] == "AWS::ECS::TaskDefinition":
                name = one["Properties"]["ContainerDefinitions"][0]["Name"]
                found[f"ecs {name}"] = float(one["Properties"]["Memory"])
    cpu = compose()["services"]["cpu"]
    scratch = next(mount for mount in cpu["tmpfs"] if "size=" in mount)
    found["compose cpu"] = (_gigabytes(cpu["mem_limit"]) - _gigabytes(scratch.rpartition("size=")[2])) * 1024
    return found


def _gigabytes(text: str) -> float:
    return float(text.removesuffix("g"))
