"""Listing a directory tree in the order in which S3 lists keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TEMPORARY_PREFIX = ".pageline-tmp-"
LOCK_NAME = ".pageline-lock"


def walk(root: Path, prefix: str, start_after: str | None) -> Iterator[str]:
    """Yield the keys of files below `root` that start with `prefix` and come after `start_after`.

    The order is that of the keys' bytes. One folder's names are held at a time for each level. Links to
    directories are not entered; a folder that vanishes meanwhile counts as empty.
    """
    folder = prefix.rpartition("/")[0]
    if any(part in (".", "..") for part in folder.split("/")) or "\0" in prefix or prefix.startswith("/"):
        return
    after = os.fsencode(start_after) if start_after is not None else b""
    yield from _walk(root, f"{folder}/" if folder else "", os.fsencode(prefix), after)


def _walk(root: Path, folder: str, prefix: bytes, after: bytes) -> Iterator[str]:
    for raw, key, is_folder in _entries(root / folder, folder):
        if not is_folder:
            if raw.startswith(prefix) and raw > after:
                yield key
        elif _may_hold(raw, prefix, after):
            yield from _walk(root, key, prefix, after)


def _entries(path: Path, folder: str) -> list[tuple[bytes, str, bool]]:
    """Return (key's bytes, key, is a folder) in order; the slash at a folder's end makes it sort as in S3."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY_PREFIX) or entry.name == LOCK_NAME:
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            key = f"{folder}{entry.name}/" if is_folder else f"{folder}{entry.name}"
            found.append((os.fsencode(key), key, is_folder))
    return sorted(found)


def _may_hold(folder: bytes, prefix: bytes, after: bytes) -> bool:
    """Say whether keys below `folder` can match."""
    matches = folder.startswith(prefix) or prefix.startswith(folder)
    return matches and (folder > after or after.startswith(folder))
