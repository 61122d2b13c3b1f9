"""Secrets by reference: settings and records name a place, and only who needs the secret looks there."""

from __future__ import annotations

import os
from pathlib import Path

from infra.errors import SettingsError

_ENVIRONMENT, _FILE = "env:", "file:"
_MAX_BYTES = 64 << 10


def is_reference(text: str) -> bool:
    """Say whether a text is `env:NAME` or `file:/absolute/path`."""
    return (text.startswith(_ENVIRONMENT) and text != _ENVIRONMENT) or text.startswith(f"{_FILE}/")


def read_secret(reference: str) -> str:
    """Return the secret, without white space around it. Raises `SettingsError`, which never holds a secret.

    It is looked up each time, so that a file that was written anew counts at once.
    """
    if not is_reference(reference):
        raise SettingsError("a secret is given as env:NAME or file:/absolute/path, never as it is")
    found = _look(reference).strip()
    if not found:
        raise SettingsError(f"there is no secret at {reference}")
    return found


def _look(reference: str) -> str:
    if reference.startswith(_ENVIRONMENT):
        return os.environ.get(reference.removeprefix(_ENVIRONMENT), "")
    try:
        with Path(reference.removeprefix(_FILE)).open("rb") as file:
            return file.read(_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the secret at {reference} cannot be read: {type(error).__name__}") from error
