"""`pageline rebuild`: finish what Redis has forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder

Results = Annotated[
    str,
    typer.Argument(metavar="LOCATION", help="The stack's results, or a part of them.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def rebuild(location: Results, as_json: AsJson = False, folder: StackFolder = None) -> None:
    """Look through results for documents that have not ended and that Redis has lost, and have them finished.

    Control workers do the same by themselves after a loss, and now and then; this does it now, and without
    pauses. Pages that were written are not read again. Announcements that were given up after many errors
    are made again. Ends with 3 when there are documents that could not be looked at.
    """
    from worker.cli.mending import rebuild_location  # noqa: PLC0415  -- brings queue and storage

    if not rebuild_location(location, folder, as_json=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
