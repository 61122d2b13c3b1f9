"""What a local stack is asked to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.stack.cores import threads_per_worker


@dataclass(frozen=True, slots=True)
class Plan:
    """The reading workers of a stack, all alike.

    Attributes:
        workers: how many processes read, at least 1.
        device: what they compute on.
        pipeline: a shipped pipeline's name or the path of a YAML file.
        engine: the engine's name; None lets the fastest be chosen.
        serves: whether there is an HTTP service too.
    """

    workers: int = 1
    device: str = "cpu"
    pipeline: str = "OCR"
    engine: str | None = None
    serves: bool = False

    @property
    def threads(self) -> int:
        """Threads of one worker: together they fill the cores."""
        return threads_per_worker(self.workers)

    @property
    def creation(self) -> dict[str, Any]:
        """The arguments of `create_pipeline`."""
        return {
            "pipeline": self._pipeline_name(),
            "device": self.device,
            "engine": self.engine,
            "engine_config": {"threads": self.threads},
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        """The same as the workers' settings."""
        chosen = {"name": self._pipeline_name(), "engine_config": {"threads": self.threads}}
        return chosen if self.engine is None else {**chosen, "engine": self.engine}

    def _pipeline_name(self) -> str:
        # A worker has a working directory of its own.
        is_file = self.pipeline.endswith((".yaml", ".yml"))
        return str(Path(self.pipeline).absolute()) if is_file else self.pipeline
