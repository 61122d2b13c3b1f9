"""Child processes: started apart from the terminal, logged to a file, ended politely and then firmly."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from infra.errors import ServiceError
from worker.stack.pidfile import PidFile

_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
_TAIL_BYTES = 4096


def python_command(*arguments: str) -> list[str]:
    """Return the command line of this Python without the working directory on its import path.

    A `tasks.py` in the folder somebody works in must not be taken for ours.
    """
    return [sys.executable, "-P", *arguments]


class ChildProcess:
    """A running child, in a session of its own so that Ctrl-C in the terminal reaches only its parent.

    Args:
        args: Program and arguments.
        env: The whole environment of the child.
        log_path: Takes its output; the log of the start before is kept beside it, with `.1` appended.
        pid_path: A pid file, or one already claimed, by which the next start finds the child should this
            process be killed. The claim is given up when the child ends.
        cwd: Its working directory; None for the folder of the log.
        name: What error sentences call it; None for the program's name.

    Raises `ServiceError` when the program cannot be started or another live process runs this service.
    """

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        log_path: Path,
        *,
        pid_path: Path | PidFile | None = None,
        cwd: Path | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name if name is not None else Path(args[0]).name
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._claim = PidFile(pid_path) if isinstance(pid_path, Path) else pid_path
        try:
            self._process = _start(args, env, log_path, cwd if cwd is not None else log_path.parent)
        except OSError as error:
            self._release()
            raise ServiceError(f"{self.name} could not be started: {error}") from error
        if self._claim is not None:
            # It may have ended already; then there is nothing to find again, and `poll` tells.
            with suppress(ServiceError):
                self._claim.record(self._process.pid)

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs.

        Whatever it started and left behind in its group is killed along: without it, that would do no good.
        """
        if self._process.returncode is None and self._has_ended():
            self._kill_group()  # as long as its status is not taken, nobody else can have its number
        status = self._process.poll()
        if status is not None:
            self._release()
        return status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit status; `TimeoutError` after `timeout` seconds."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self.name} still runs after {timeout:g} s")
            time.sleep(_POLL_SECONDS)
        return status

    def terminate(self, grace: float) -> int:
        """Ask it to end; after `grace` seconds kill it and its whole group. Return the exit status."""
        if self.poll() is None:
            self._process.terminate()
        try:
            return self.wait(grace)
        except TimeoutError:
            return self.kill()

    def kill(self) -> int:
        """Kill it and its whole group. Return the exit status."""
        if self.poll() is None:
            self._kill_group()
        return self.wait(_KILL_SECONDS)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until `ready()` is true. Otherwise kill it; a `ServiceError` has the end of its log."""
        try:
            self._await(ready, timeout)
        except BaseException:  # whoever interrupts the wait has no other hold on the child yet
            self.kill()
            raise

    def _await(self, ready: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            status = self.poll()
            if status is not None:
                raise ServiceError(f"{self.name} ended with status {status} at its start: {self.log_tail()}")
            if time.monotonic() >= deadline:
                raise ServiceError(f"{self.name} was not ready within {timeout:g} s: {self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def log_tail(self, lines: int = 5) -> str:
        """Return the last lines of its log in one line."""
        with self.log_path.open("rb") as file:
            file.seek(max(0, self.log_path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        last = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
        return " | ".join(last) if last else f"{self.log_path} is empty"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate(_KILL_SECONDS)

    def _has_ended(self) -> bool:
        """Say whether its status waits to be taken; False where the system cannot tell (some of macOS)."""
        if not hasattr(os, "waitid"):
            return False
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return False

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # what has ended already
            os.killpg(self.pid, signal.SIGKILL)

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.release()


def _start(args: Sequence[str], env: Mapping[str, str], log_path: Path, cwd: Path) -> subprocess.Popen[bytes]:
    with suppress(FileNotFoundError):
        log_path.replace(f"{log_path}.1")
    with log_path.open("xb") as log:
        return subprocess.Popen(
            args,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
