"""`gpu:0,1`: a worker for each device, in a process of its own, under one that only watches."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from infra.errors import InfraError
from infra.settings import PREFIX, Settings
from pipelines.devices import Device
from worker.stack.processes import python_command

_log = logging.getLogger(__name__)

PROGRAM = python_command("-m", "worker")


class WorkersEnded(InfraError):  # noqa: N818  -- it says what happened
    """One of several workers ended with an error; it said why itself."""


def run_workers(settings: Settings, devices: Device, *, drain: bool = False) -> None:
    """Run a worker for each of the devices until all of them have ended.

    SIGTERM and SIGINT are handed on. One that cannot work leaves the others at theirs: a device that is lost
    does not cost those beside it.

    Raises:
        WorkersEnded: when all have ended, and one of them with an error.
    """
    workers = {str(device): _start(settings, device, drain=drain) for device in devices.each}
    with _handing_on(list(workers.values())):
        for device, worker in workers.items():
            status = worker.wait()
            _log.log(logging.ERROR if status else logging.INFO, "%s: ended with status %d", device, status)
    failed = [device for device, worker in workers.items() if worker.returncode]
    if failed:
        raise WorkersEnded(f"no worker for {' and '.join(failed)} is left: each has said why")


def _start(settings: Settings, device: Device, *, drain: bool) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    command = [*PROGRAM, "--device", str(device), *(["--drain"] if drain else [])]
    return subprocess.Popen(command, env={**inherited, **settings.environment()}, start_new_session=True)


@contextmanager
def _handing_on(workers: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    def hand_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  -- a handler's signature
        for worker in workers:
            worker.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
