"""The worker processes of a local stack: started together, replaced when one ends, ended together."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

from infra.errors import ServiceError
from infra.settings import PREFIX, Settings
from worker.stack.plan import Plan
from worker.stack.processes import ChildProcess, python_command

# A worker that ends more often than so many times in so long is given up: something is wrong that a start
# does not mend. One that a document kills now and then is not.
_RESTARTS = 3
_WITHIN_SECONDS = 600.0
# Steps behind others who want the processor. Reading takes every core there is, and each upload is work for
# the control worker: whoever asks over HTTP is to be answered all the same, and documents move on before more
# are read.
CONTROL_STEPS, READING_STEPS = 5, 10
# What numeric libraries read to size their pools of threads; left alone, each takes every core.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class _Member:
    name: str
    program: tuple[str, ...]
    process: ChildProcess
    started_again: list[float] = field(default_factory=list)


class Crew:
    """One control worker, the reading ones, and the HTTP service if there is to be one: a process each.

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
            self._add("control", *_worker("control"), behind=CONTROL_STEPS if plan.serves else 0)
            for number in range(1, plan.workers + 1):
                behind = READING_STEPS if plan.serves else 0
                self._add(f"worker-{number}", *_worker(plan.device), behind=behind)
            if plan.serves:
                self.address_file.unlink(missing_ok=True)  # of a service that was killed
                self._add("http", "worker.http", str(self.address_file))
        except BaseException:
            self.stop(grace=0)
            raise

    def __len__(self) -> int:
        return len(self._members)

    @property
    def address_file(self) -> Path:
        """Where the HTTP service writes its address once it listens."""
        return self._folder / "http.url"

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

    def _add(self, name: str, *module: str, behind: int = 0) -> None:
        """Start a module's program, some steps `behind` the others."""
        program = yielding(python_command("-m", *module), behind)
        self._members.append(_Member(name, program, self._start(name, program)))

    def _replace(self, member: _Member) -> str:
        status = member.process.terminate(0)  # it has ended: this gives its claim back
        now = time.monotonic()
        member.started_again = [at for at in member.started_again if now - at < _WITHIN_SECONDS]
        if len(member.started_again) >= _RESTARTS:
            raise ServiceError(
                f"{member.name} has ended {_RESTARTS + 1} times in {_WITHIN_SECONDS / 60:g} minutes, "
                f"the last time with status {status}: "
                f"{member.process.log_tail()}"
            )
        member.started_again.append(now)
        member.process = self._start(member.name, member.program)
        return f"{member.name} ended with status {status} and was started again"

    def _start(self, name: str, program: Sequence[str]) -> ChildProcess:
        return ChildProcess(
            program,
            self._environment,
            self._folder / "logs" / f"{name}.log",
            pid_path=self._folder / "pids" / f"{name}.pid",
            name=name,
        )


def _worker(device: str) -> tuple[str, ...]:
    return "worker", "--device", device


def yielding(program: Sequence[str], steps: int) -> tuple[str, ...]:
    """A program that leaves the processor to others who want it, the more so the more `steps`.

    It is the program itself where the system has no `nice`.
    """
    return (*(("nice", "-n", str(steps)) if steps and which("nice") else ()), *program)


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
