"""What one worker is: its name, its device, and the files through which parent and child speak."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from infra.settings import Settings
from pipelines.devices import parse_device
from tasks.queues import CONTROL


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A worker of one device.

    Attributes:
        name: Unique among the living; all children that follow each other share it.
        device: `cpu`, `gpu:0` ..., or `control`.
        folder: Holds the flag and the sentence below; only this worker uses it.
    """

    name: str
    device: str
    folder: str

    @classmethod
    def make(cls, settings: Settings, device: str) -> Self:
        """Plan a worker of this process. Raises `OptionError` for a device that cannot be."""
        device = device if device == CONTROL else str(parse_device(device))
        name = f"{device}@{socket.gethostname()}.{os.getpid()}"
        return cls(name, device, str(settings.work_dir / "workers" / name.replace(":", "-")))

    @property
    def kind(self) -> str:
        """The device without its number."""
        return self.device.partition(":")[0]

    def to_conf(self) -> dict[str, str]:
        """Return the plan as plain values."""
        return asdict(self)

    def prepare(self) -> None:
        """Make the folder, empty."""
        self.clean()
        Path(self.folder).mkdir(parents=True)

    def clean(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

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
        try:
            return self._sentence.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    @property
    def _drain(self) -> Path:
        return Path(self.folder, "drain")

    @property
    def _sentence(self) -> Path:
        return Path(self.folder, "given-up")
