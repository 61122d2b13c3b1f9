"""The worker processes of a local stack: started together, replaced when one ends, ended together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.errors import ServiceError
from infra.settings import PREFIX, Settings
from worker.stack.plan import Plan
from worker.stack.processes import ChildProcess, python_command

_RESTARTS = 3  # of one worker, before the stack is given up: something is wrong that a start does not mend
# What numeric libraries read to size their pools of threads; left alone, each takes every core.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class _Member:
    name: str
    device: str
    process: ChildProcess
    restarts: int = field(default=0)


class Crew:
    """One control worker and the reading ones, each in a process of its own.

    Args:
        folder: takes their logs and pid files.
        settings: what they are to work with.
        plan: how many of them, on what.
    """

    def __init__(self, folder: Path, settings: Settings, plan: Plan) -> None:
        self._folder = folder
        self._environment = worker_environment(settings, plan)
        self._members: list[_Member] = []
        try:
            self._add("control", "control")
            for number in range(1, plan.workers + 1):
                self._add(f"worker-{number}", plan.device)
        except BaseException:
            self.stop(grace=0)
            raise

    def __len__(self) -> int:
        return len(self._members)

    @property
    def pids(self) -> dict[str, int]:
        """The processes by name."""
        return {member.name: member.process.pid for member in self._members}

    def tend(self) -> list[str]:
        """Replace workers that have ended; returns one sentence for each.

        Raises:
            ServiceError: one has ended too often; the sentence has the end of its log.
        """
        return [self._replace(member) for member in self._members if member.process.poll() is not None]

    def stop(self, grace: float) -> None:
        """Ask all of them to end, and kill those that still run after `grace` seconds."""
        if self._members:
            with ThreadPoolExecutor(len(self._members)) as pool:
                list(pool.map(lambda member: member.process.terminate(grace), self._members))
        self._members.clear()

    def _add(self, name: str, device: str) -> None:
        self._members.append(_Member(name, device, self._start(name, device)))

    def _replace(self, member: _Member) -> str:
        status = member.process.terminate(0)  # it has ended: this gives its claim back
        if member.restarts >= _RESTARTS:
            raise ServiceError(
                f"{member.name} has ended {_RESTARTS + 1} times, the last time with status {status}: "
                f"{member.process.log_tail()}"
            )
        member.restarts += 1
        member.process = self._start(member.name, member.device)
        return f"{member.name} ended with status {status} and was started again"

    def _start(self, name: str, device: str) -> ChildProcess:
        return ChildProcess(
            python_command("-m", "worker", "--device", device),
            self._environment,
            self._folder / "logs" / f"{name}.log",
            pid_path=self._folder / "pids" / f"{name}.pid",
            name=name,
        )


def worker_environment(settings: Settings, plan: Plan) -> Mapping[str, str]:
    """The environment of a stack's worker: this one's, with exactly these settings.

    Python keeps the working directory off its import path, also in processes that the worker starts.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    threads = dict.fromkeys(_THREAD_VARIABLES, str(plan.threads))
    return {
        **inherited,
        **threads,
        **settings.environment(),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
