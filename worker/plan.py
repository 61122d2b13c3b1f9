"""What one worker is: its name, its device, and the files through which parent and child speak."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from infra.settings import Settings
from pipelines.devices import parse_device
from tasks.queues import CONTROL
from worker.pulse import folder_of

_CLAIM = ".lock"  # held as long as the worker lives: its process number might be another's by now


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker of one device.

    Attributes:
        name: Unique among the living; all children that follow each other share it.
        device: `cpu`, `gpu:0` ..., or `control`.
        folder: Holds the flag, the sentence and the scratch space below; only this worker uses it.
    """

    name: str
    device: str
    folder: str

    @classmethod
    def make(cls, settings: Settings, device: str) -> Self:
        """Plan a worker of this process. Raises `OptionError` for a device that cannot be."""
        device = device if device == CONTROL else str(parse_device(device))
        name = f"{device}@{socket.gethostname()}.{os.getpid()}"
        return cls(name, device, str(folder_of(settings.work_dir, name)))

    @property
    def kind(self) -> str:
        """The device without its number."""
        return self.device.partition(":")[0]

    def to_conf(self) -> dict[str, str]:
        """Return the plan as plain values."""
        return asdict(self)

    @property
    def used(self) -> Path:
        """Where its processes keep what they need for the work in hand."""
        return Path(self.folder, "used")

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Make the folder, empty, and remove it in the end, as those of workers that were killed."""
        folder = Path(self.folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for claim in folder.parent.glob(f"*{_CLAIM}"):
            _remove_if_dead(claim)
        with FileLock(f"{folder}{_CLAIM}"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield
            finally:
                _remove(folder)

    def start_draining(self) -> None:
        """Tell the child to begin no further page."""
        self._drain.touch()

    def draining(self) -> bool:
        """Say whether the child is to begin no further page."""
        return self._drain.exists()

    def give_up(self, sentence: str) -> None:
        """Have a child say why this worker cannot work."""
        self._sentence.write_text(sentence, encoding="utf-8")

    def why_given_up(self) -> str | None:
        """Return the sentence, or None for a worker that has not given up."""
        return _text_of(self._sentence)

    def note_replaced(self, sentence: str) -> None:
        """Have a child say why it is replaced."""
        self._replaced.write_text(sentence, encoding="utf-8")

    def why_replaced(self) -> str | None:
        """Return why a child was last replaced; None where none was."""
        return _text_of(self._replaced)

    @property
    def _drain(self) -> Path:
        return Path(self.folder, "drain")

    @property
    def _sentence(self) -> Path:
        return Path(self.folder, "given-up")

    @property
    def _replaced(self) -> Path:
        return Path(self.folder, "replaced")


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _remove_if_dead(claim: Path) -> None:
    """Remove the folder of a worker that no longer holds its claim."""
    with suppress(Timeout), FileLock(claim, timeout=0):
        _remove(claim.with_name(claim.name.removesuffix(_CLAIM)))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_name(f"{folder.name}{_CLAIM}").unlink(missing_ok=True)
