"""Where a running stack can be found: the settings of its parts, in a file that its user alone may read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import ServiceError
from infra.settings import Settings, load_settings

_NAME = "stack.json"


@contextmanager
def published(folder: Path, settings: Settings) -> Iterator[Path]:
    """Keep the address of a stack in `folder` for as long as it runs; yields the file's path."""
    path = folder / _NAME
    write_private(path, json.dumps(settings.model_dump(mode="json", exclude_none=True), indent=2))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def find_stack(folder: Path) -> Settings:
    """The settings of the stack that runs in `folder`.

    Raises:
        ServiceError: none has been started there, or it has been stopped.
    """
    try:
        return load_settings(json.loads((folder / _NAME).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise ServiceError(f"no stack is running in {folder.parent}; start one with `pageline up`") from None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)
