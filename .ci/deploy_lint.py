"""Checks every deployment file with the field's own validators, offline: `make deploy-lint`.

They live in an environment of their own (requirements/deploy.txt); this runs in it. Each line says what was
checked; ends with 1 when anything was found.
"""

# ruff: noqa: INP001, T201  -- a script by itself, and it prints

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "infra" / "deploy"
BIN = Path(sys.executable).parent
CUSTOM = {"ScaledObject": ScaledObject, "ServiceMonitor": ServiceMonitor, "PrometheusRule": PrometheusRule}
# Fields that the models, made from older definitions, do not know yet.
NEWER = {"spec.fallback.behavior"}  # KEDA 2.17

Found = tuple[str, str]


def main() -> int:
    """Run all checks; say what each found."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        rendered = render(Path(folder))
        checks: list[Callable[[], Found]] = [
            lambda: ran("hadolint", "Dockerfile"),
            lambda: ran("yamllint", "--strict", "-c", ".yamllint.yaml", "."),
            lambda: ran("cfn-lint", *map(str, sorted((DEPLOY / "aws").glob("*.yaml")))),
            lambda: ran("kubernetes-validate", "--strict", "--quiet", "--no-warn", *map(str, rendered)),
            lambda: ("kinds of KEDA and Prometheus", "\n".join(custom(rendered))),
            lambda: scanned("kubernetes", Path(folder)),
            lambda: scanned("cloudformation", DEPLOY / "aws"),
            lambda: scanned("dockerfile", ROOT / "Dockerfile"),
        ]
        found = list(pool.map(lambda check: check(), checks))
    for name, faults in found:
        print(f"{name}: {faults or 'clean'}")
    return int(any(faults for _, faults in found))


def render(folder: Path) -> list[Path]:
    """Put each overlay together as a cluster would get it."""
    files = []
    for overlay in sorted((DEPLOY / "kubernetes" / "overlays").iterdir()):
        path = folder / f"{overlay.name}.yaml"
        path.write_text(called("kubectl", "kustomize", str(overlay)).stdout)
        files.append(path)
    return files


def called(
    program: str, *arguments: str, must: bool = True, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a validator of this environment."""
    # Nothing is fetched, and nobody is told.
    quiet = {"LOG_LEVEL": "ERROR", "BC_SKIP_MAPPING": "TRUE", "ANSI_COLORS_DISABLED": "1"}
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=cwd or (DEPLOY if program == "yamllint" else ROOT),
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    if must and done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done


def ran(program: str, *arguments: str, cwd: Path | None = None) -> Found:
    """Run a validator that ends with 0 when it finds nothing."""
    done = called(program, *arguments, must=False, cwd=cwd)
    return program, "" if done.returncode == 0 else f"\n{done.stdout}{done.stderr}"


def scanned(framework: str, place: Path) -> Found:
    """Have checkov look; without its service it knows no severities, so that each finding counts."""
    where = "--file" if place.is_file() else "--directory"
    # From inside the place: checkov puts the file's path among a function's variables, and takes one with
    # forty letters and slashes in a row for a secret key. A finding would hang on where the checkout lies.
    folder = place.parent if place.is_file() else place
    configuration = str(DEPLOY / ".checkov.yaml")
    options = [
        "--framework",
        framework,
        "--config-file",
        configuration,
        "--skip-download",
        "--compact",
        "--quiet",
    ]
    found = ran("checkov", where, str(place.relative_to(folder)), *options, cwd=folder)
    return f"checkov, {framework}", found[1]


def custom(rendered: list[Path]) -> Iterator[str]:
    """Check what Kubernetes' own schemas do not know: unknown fields, wrong types."""
    for path in rendered:
        for given in yaml.safe_load_all(path.read_text()):
            model = CUSTOM.get(given["kind"])
            if model is None:
                continue
            try:
                taken = model.model_validate(given).model_dump(mode="json", by_alias=True, exclude_unset=True)
            except ValueError as error:
                yield f"{path.name}: {given['kind']} {given['metadata']['name']}: {error}"
                continue
            for lost in sorted(set(fields(given)) - set(fields(taken)) - NEWER):
                yield f"{path.name}: {given['kind']} {given['metadata']['name']}: no such field: {lost}"


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every leaf; items of lists share theirs."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, path)
    else:
        yield path


if __name__ == "__main__":
    sys.exit(main())
