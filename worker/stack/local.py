"""The whole system on one machine: Valkey, a control worker and reading workers, each a process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.errors import ServiceError
from infra.settings import PREFIX, Settings, load_settings
from infra.status import Store, open_store
from worker.stack.crew import Crew
from worker.stack.plan import Plan
from worker.stack.valkey import ValkeyHandle, start_valkey

# For workers to hand back what they have in hand. What they cannot is found and done again by the next start,
# so whoever interrupts does not wait as long.
_GRACE_SECONDS = 15.0
_INTERRUPTED_GRACE_SECONDS = 3.0


class LocalStack:
    """A stack that runs while the context is entered; what it holds stays in `folder`.

    Args:
        folder: for the queue's data, logs, pid files and scratch; one stack at a time can run in it.
        plan: the reading workers.
        values: settings for all parts, `results` at least; where the queue is, is filled in.

    Raises:
        ServiceError: on entering, when a part does not start or another stack runs in `folder`.
        SettingsError: on entering, when the settings contradict each other.
    """

    def __init__(self, folder: Path, plan: Plan, values: Mapping[str, Any]) -> None:
        self._folder = folder
        self._plan = plan
        self._values = values
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self._valkey: ValkeyHandle = exits.enter_context(start_valkey(self._folder / "valkey"))
            self.settings: Settings = load_settings(self._settled())
            self.store: Store = open_store(self.settings)
            exits.callback(self.store.close)
            self.store.check()
            self._crew = Crew(self._folder, self.settings, self._plan)
            exits.push(self._stop_crew)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.__exit__(kind, error, traceback)

    @property
    def pids(self) -> dict[str, int]:
        """The workers' processes by name."""
        return self._crew.pids

    @property
    def address(self) -> str | None:
        """The HTTP service's address; None until it listens, or where there is none."""
        with suppress(FileNotFoundError):
            return self._crew.address_file.read_text("utf-8")
        return None

    def tend(self) -> list[str]:
        """Replace what has ended; returns one sentence for each replacement.

        Raises:
            ServiceError: the queue has ended, or a worker has ended too often.
        """
        status = self._valkey.process.poll()
        if status is not None:
            raise ServiceError(f"Valkey has ended with status {status}: {self._valkey.process.log_tail()}")
        return self._crew.tend()

    def readers_ready(self) -> int:
        """How many of the plan's reading workers can take work now."""
        return sum(beat.kind != "control" and beat.state != "warming" for beat in self.store.fleet.workers())

    def _stop_crew(self, kind: type[BaseException] | None, *_: object) -> None:
        self._crew.stop(_GRACE_SECONDS if kind is None else _INTERRUPTED_GRACE_SECONDS)

    def _settled(self) -> dict[str, Any]:
        return {
            "pipeline": self._plan.settings,
            "work_dir": self._folder / "work",
            **({} if f"{PREFIX}LOG_FORMAT" in os.environ else {"log_format": "text"}),  # for people
            **self._values,
            "broker_url": self._valkey.broker_url,
        }
