"""A document's password, by reference: the name of a secret is stored, and only who reads looks it up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from infra.errors import InfraError, SettingsError
from infra.secrets import is_reference, read_secret

_FILE = "file:"


class SecretUnavailable(InfraError):  # noqa: N818  -- it says what happened
    """A secret that a document names may not be used, or is not there where the document is read."""

    public: ClassVar[str] = "The secret with the document's password is not available where it is read."


def check_reference(reference: str, allowed: Iterable[str]) -> None:
    """Refuse a reference that is none, or that the settings do not allow. Raises `ValueError`.

    The sentence does not repeat it: somebody may have written the password itself.
    """
    if not is_reference(reference):
        raise ValueError("a secret is given as env:NAME or file:/absolute/path, never as it is")
    if not any(_covers(place, reference) for place in allowed):
        raise ValueError("the settings do not allow this secret to be used")


def password(reference: str | None, allowed: Iterable[str]) -> str | None:
    """Return the password that a reference leads to; None without one. Raises `SecretUnavailable`.

    It is checked again: links may lead elsewhere, and the settings may have changed.
    """
    if reference is None:
        return None
    try:
        check_reference(reference, allowed)
        return read_secret(reference)
    except (SettingsError, ValueError) as error:
        raise SecretUnavailable(f"a document's password cannot be had: {error}") from error


def _covers(place: str, reference: str) -> bool:
    """Say whether an allowed place (the beginning of a name, or a folder) covers a reference."""
    if not place.startswith(_FILE):
        return reference.startswith(place)
    if not reference.startswith(_FILE):
        return False
    folder, path = (os.path.realpath(text.removeprefix(_FILE)) for text in (place, reference))
    return Path(path).is_relative_to(folder)
