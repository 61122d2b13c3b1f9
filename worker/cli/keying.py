"""The work of `pageline keys`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import typer

from infra.settings import PREFIX
from worker.cli.errors import CommandError, UsageError
from worker.cli.terminal import stdout
from worker.http.keys import add_key, read_keys, remove_key

_VARIABLE = f"{PREFIX}HTTP__KEYS_FILE"


def make_key(name: str, tenant: str | None, file: Path | None) -> None:
    """Make a key and print it. Raises `SettingsError` and `UsageError`."""
    typer.echo(add_key(_file(file), name, tenant))


def show_keys(file: Path | None, *, as_json: bool) -> None:
    """Print the keys of a file, without their secrets. Raises `SettingsError` and `UsageError`."""
    keys = read_keys(_file(file))
    if as_json:
        typer.echo(json.dumps([key.model_dump(exclude={"sha256"}) for key in keys], indent=2))
        return
    for key in keys:
        made = time.strftime("%Y-%m-%d", time.gmtime(key.created))
        stdout().print(f"{key.id}  {made}  {key.tenant or 'all tenants'}  {key.name}")


def remove_named(identity: str, file: Path | None) -> None:
    """Take a key away. Raises `CommandError` where there is none of that id."""
    if not remove_key(_file(file), identity):
        raise CommandError(f"there is no key {identity}")


def _file(given: Path | None) -> Path:
    named = os.environ.get(_VARIABLE)
    if given is None and not named:
        raise UsageError(f"no file of keys is named: give --file, or set {_VARIABLE}")
    return given if given is not None else Path(str(named))
