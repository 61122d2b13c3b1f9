"""`gpu:0,1`: a worker for each device, in a process of its own, under one that watches."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from infra.errors import InfraError
from infra.settings import PREFIX, Settings
from pipelines.devices import Device
from worker.stack.processes import python_command

_log = logging.getLogger(__name__)

PROGRAM = python_command("-m", "worker")
_LOOK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0  # seconds until a worker that ended with an error is started again
_LASTING = 600.0  # seconds after which a worker counts as one that works, and the next pause is a short one


class WorkersEnded(InfraError):  # noqa: N818  -- it says what happened
    """One of several workers ended with an error; it said why itself."""


def run_workers(settings: Settings, devices: Device, *, drain: bool = False) -> None:
    """Run a worker for each of the devices until all of them have ended.

    SIGTERM and SIGINT are handed on. One that cannot work leaves the others at theirs: a device that is lost
    does not cost those beside it. As long as another one works it is started again, with growing pauses: a
    platform sees only whether all of this lives. With none left, this ends, so that the platform acts.

    Raises:
        WorkersEnded: when all have ended, and one of them with an error.
    """
    posts = [_Post(settings, str(device), drain=drain) for device in devices.each]
    with _handing_on(posts):
        while sum(post.running() for post in posts):
            for post in posts:
                post.start_again_when_due()
            time.sleep(_LOOK_SECONDS)
    failed = [post.device for post in posts if post.failed]
    if failed:
        raise WorkersEnded(f"no worker for {' and '.join(failed)} is left: each has said why")


class _Post:
    """One device, and the workers that follow each other there."""

    def __init__(self, settings: Settings, device: str, *, drain: bool) -> None:
        self.device = device
        self._settings = settings
        self._drain = drain
        self._pause = _FIRST_PAUSE
        self._leaving = False
        self._noted = False
        self._due = 0.0
        self._start()

    @property
    def failed(self) -> bool:
        """Whether the last worker ended with an error."""
        return bool(self._process.returncode)

    def running(self) -> bool:
        """Say whether a worker runs; the end of one is noted once."""
        status = self._process.poll()
        if status is None:
            return True
        if not self._noted:
            self._note(status)
        return False

    def start_again_when_due(self) -> None:
        """Start another worker where one ended with an error and its pause is over."""
        if self._noted and self.failed and not self._leaving and time.monotonic() >= self._due:
            self._start()

    def hand_on(self, number: int) -> None:
        """Send a signal; nobody is started again from then on."""
        self._leaving = True
        self._process.send_signal(number)

    def _note(self, status: int) -> None:
        self._noted = True
        _log.log(logging.ERROR if status else logging.INFO, "%s: ended with status %d", self.device, status)
        if not status or self._leaving:
            return
        now = time.monotonic()
        if now - self._started >= _LASTING:
            self._pause = _FIRST_PAUSE
        self._due = now + self._pause
        _log.warning("%s: is tried again in %g s, as long as another device works", self.device, self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        command = [*PROGRAM, "--device", self.device, *(["--drain"] if self._drain else [])]
        environment = {**inherited, **self._settings.environment()}
        self._process = subprocess.Popen(command, env=environment, start_new_session=True)
        self._started, self._noted = time.monotonic(), False
        if self._leaving:  # told while it was being started
            self._process.send_signal(signal.SIGTERM)


@contextmanager
def _handing_on(posts: list[_Post]) -> Iterator[None]:
    def hand_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  -- a handler's signature
        for post in posts:
            post.hand_on(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
