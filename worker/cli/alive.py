"""`pageline alive`: a probe for health checks, which must answer in a moment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.errors import ExitCode

Name = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="Start of the workers' names, such as cpu or control; without one, all of this host.",
        show_default=False,
    ),
]


def alive(name: Name = "") -> None:
    """Say whether the workers on this host make progress or idle warm. Ends with 1 when one does not.

    It looks at files below PAGELINE_WORK_DIR alone: Redis may be away without a worker being at fault.
    """
    from infra.workdir import default_work_dir  # noqa: PLC0415  -- as the one below
    from worker.pulse import pulses  # noqa: PLC0415  -- `--help` needs none of it

    work_dir = Path(os.environ.get("PAGELINE_WORK_DIR") or default_work_dir())
    found = pulses(work_dir, name)
    for pulse in found:
        typer.echo(f"{pulse.worker}: {pulse.ailment or 'alive'}")
    if not found:
        typer.echo(f"no worker{' named ' + name if name else ''} runs on this host with {work_dir}")
    if not found or any(pulse.ailment is not None for pulse in found):
        raise typer.Exit(ExitCode.ERROR)
