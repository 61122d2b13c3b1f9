"""From the paths somebody typed to the documents that are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.storage.location import Location
from worker.inbox.folder import documents


@dataclass(frozen=True, slots=True)
class Found:
    """A document on this machine.

    Attributes:
        root: The source it belongs to, absolute: the folder that was named, or the one the file lies in.
        key: The path below the root, with `/`.
    """

    root: Path
    key: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.root / self.key


class NothingFound(ValueError):  # noqa: N818  -- it says what happened
    """A path names no document; `str(error)` says which and why."""


def gather(paths: Iterable[Path], *, leave_out: Path) -> list[Found]:
    """The documents that `paths` name, each once, in the order given; folders are searched to their depths.

    A file that is named is taken whatever it is called; in folders, hidden, unfinished and sidecar files are
    left out, and so is everything inside `leave_out` (the results, which often lie beside their sources).

    Raises:
        NothingFound: a path does not exist, or a folder holds no document.
    """
    documents_by_path: dict[Path, Found] = {}
    results = _absolute(leave_out)
    for path in paths:
        here = [
            document for document in _expand(_absolute(path)) if not document.path.is_relative_to(results)
        ]
        if not here:
            raise NothingFound(f"there is no document in {path}")
        for document in here:
            documents_by_path.setdefault(document.path, document)
    return list(documents_by_path.values())


def _expand(path: Path) -> Iterator[Found]:
    if path.is_dir():
        yield from (Found(path, key) for key, _ in documents(path))
    elif path.is_file():
        yield Found(path.parent, path.name)
    else:
        raise NothingFound(f"there is no file or folder {path}")


def _absolute(path: Path) -> Path:
    return Location.parse(path).path
