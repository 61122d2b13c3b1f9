"""`pageline status`: how documents are doing."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder

Id = Annotated[
    str | None,
    typer.Argument(
        metavar="ID", help="A document's id; without one, the latest documents.", show_default=False
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Keep showing until nothing is left to do.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def status(id: Id = None, watch: Watch = False, as_json: AsJson = False, folder: StackFolder = None) -> None:  # noqa: A002  -- Typer shows the name
    """Show how one document, or all recent ones, are doing.

    Ends with 3 when the document that was named has ended without every page being read.
    """
    from worker.cli.asking import show_status  # noqa: PLC0415  -- brings Redis

    if not show_status(id, folder, watch=watch, as_json=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
