"""From the paths somebody typed to the documents that are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.storage.location import Location
from pipelines.errors import UnsupportedInput
from pipelines.read.inputs import documents_in
from tasks.ref import SIDECAR_SUFFIX
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


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found.

    Attributes:
        documents: each once, in the order given.
        passed_over: files in the folders that are neither PDFs nor pictures, by content or by name, and named
            sidecars: they go with a document and never are one.
        unnamed: documents that cannot be announced, because their names are not Unicode.
    """

    documents: list[Found]
    passed_over: list[Path]
    unnamed: list[Path]


class NothingFound(ValueError):  # noqa: N818  -- it says what happened
    """A path names no document; `str(error)` says which and why."""


def gather(paths: Iterable[Path], *, leave_out: Path) -> Gathered:
    """The documents that `paths` name; folders are searched to their depths.

    A file that is named is taken whatever it is, unless it is a sidecar. In folders, hidden, unfinished and
    sidecar files are left out, and so is everything inside `leave_out` (the results, which often lie beside
    their sources).

    Raises:
        NothingFound: a path does not exist, or a folder holds no document.
    """
    results = _absolute(leave_out)
    taken: dict[Path, Found] = {}
    passed_over: dict[Path, None] = {}
    for path in paths:
        if path.name.endswith(SIDECAR_SUFFIX) and path.is_file():
            passed_over[_absolute(path)] = None
            continue
        here = [one for one in _expand(_absolute(path)) if not one.path.is_relative_to(results)]
        wanted = _wanted(path, here)
        if not wanted:
            raise NothingFound(f"there is no PDF and no picture in {path}")
        taken.update((one.path, one) for one in wanted if one.path not in taken)
        passed_over.update(dict.fromkeys(one.path for one in here if one not in wanted))
    return Gathered(
        documents=[one for path, one in taken.items() if is_unicode(str(path))],
        passed_over=[path for path in passed_over if path not in taken],
        unnamed=[path for path in taken if not is_unicode(str(path))],
    )


def is_unicode(name: str) -> bool:
    """Whether a name can be told to others; a file's is bytes, and Python marks those that are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _expand(path: Path) -> Iterator[Found]:
    if path.is_dir():
        yield from (Found(path, key) for key, _ in documents(path))
    elif path.is_file():
        yield Found(path.parent, path.name)
    else:
        raise NothingFound(f"there is no file or folder {path}")


def _wanted(path: Path, here: list[Found]) -> list[Found]:
    """Of a folder's files those that `predict` would take from it; a file that is named is always wanted."""
    if not path.is_dir():
        return here
    try:
        suitable = set(documents_in(_absolute(path)))
    except UnsupportedInput:  # there is none
        return []
    return [one for one in here if one.path in suitable]


def _absolute(path: Path) -> Path:
    return Location.parse(path).path
