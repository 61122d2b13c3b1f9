"""`pageline doctor`: whether everything that a fleet needs is as it must be."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder, option

Device = Annotated[str, option("--device", "DEVICE", "Look at what a worker for it needs: cpu, gpu:0 ...")]
Read = Annotated[
    bool, typer.Option("--read", help="Read a known page on it too, as a worker does at its start.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def doctor(
    folder: StackFolder = None, device: Device = "cpu", read: Read = False, as_json: AsJson = False
) -> None:
    """Check broker, storage, events, permissions, clocks, weights, devices, versions and disk of a fleet.

    Each finding comes with what to do about it. Ends with 1 when there is a problem; warnings are none.
    Small objects are written below the results and in Redis, and removed again.
    """
    from worker.cli.examining import examine  # noqa: PLC0415  -- brings Redis and the engines

    if not examine(folder, device, read=read, as_json=as_json):
        raise typer.Exit(ExitCode.ERROR)
