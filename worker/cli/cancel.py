"""`pageline cancel`: stop reading a document."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder

Id = Annotated[str, typer.Argument(metavar="ID", help="A document's id.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as `status` does.")]


def cancel(id: Id, as_json: AsJson = False, folder: StackFolder = None) -> None:  # noqa: A002  -- Typer shows the name
    """Stop reading a document: pages in hand are finished, no other is begun, and what was read is kept.

    Ends with 3 when the document had ended otherwise before. `pageline retry ID` goes on with it.
    """
    from worker.cli.mending import cancel_document  # noqa: PLC0415  -- brings queue and storage

    if not cancel_document(id, folder, as_json=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
