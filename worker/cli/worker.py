"""`pageline worker`: one worker of a fleet, set up by the environment."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import option

Device = Annotated[str, option("--device", "DEVICE", "cpu, gpu:0 ..., or control for the orderly one.")]

DrainFlag = Annotated[
    bool, typer.Option("--drain", help="Work until nothing is left, then end with status 0.")
]


def worker(device: Device = "cpu", drain: DrainFlag = False) -> None:
    """Run one worker against the queue that the settings (PAGELINE_BROKER_URL and so on) name.

    A fleet needs one with --device control and any number that read. With --drain a worker is a job: it ends
    when what it could read has been read.
    """
    from infra.settings import load_settings  # noqa: PLC0415  -- a second of imports that `--help` does without
    from worker import run_worker  # noqa: PLC0415  -- as above

    run_worker(load_settings(), device=device, drain=drain)
