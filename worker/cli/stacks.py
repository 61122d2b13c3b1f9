"""Which stack a command talks to, and how its documents are named to people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.settings import PREFIX, Settings, load_settings
from infra.status import DocumentStatus, Store, open_store
from infra.storage import Location
from worker.cli.errors import UsageError
from worker.cli.terminal import printable
from worker.cli.view import DocumentView
from worker.stack.address import find_stack

STATE = ".pageline"  # below the folder of `pageline up`


@contextmanager
def chosen_stack(folder: Path | None) -> Iterator[tuple[Settings, Store]]:
    """The stack of `pageline up --dir folder`, or without a folder the one that the environment names.

    Raises:
        ServiceError, SettingsError: there is none, or the environment names none.
        BrokerUnavailable: it does not answer.
    """
    settings = settings_from_environment() if folder is None else find_stack(folder / STATE)
    store = open_store(settings)
    try:
        store.check()
        yield settings, store
    finally:
        store.close()


def settings_from_environment() -> Settings:
    """The settings of the fleet that the environment names. Raises `UsageError` and `SettingsError`."""
    if f"{PREFIX}RESULTS" not in os.environ:
        raise UsageError(
            "no stack is named: give --dir with the folder of a running `pageline up`, "
            f"or set {PREFIX}BROKER_URL and {PREFIX}RESULTS to those of a fleet"
        )
    return load_settings()


def view_of(status: DocumentStatus) -> DocumentView:
    """A document under the name a person knows it by: a path from here, or its URL."""
    return DocumentView.of(status, short_name(status.source))


def short_name(uri: str) -> str:
    """`file:///here/a.pdf` as `a.pdf`, other files by their path, everything else as it is."""
    location = Location.parse(uri)
    if location.scheme != "file":
        return printable(uri)
    here = Path.cwd()
    path = location.path.relative_to(here) if location.path.is_relative_to(here) else location.path
    return printable(str(path))
