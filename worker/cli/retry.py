"""`pageline retry`: read again what failed of a document."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder

Id = Annotated[str, typer.Argument(metavar="ID", help="A document's id.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def retry(id: Id, as_json: AsJson = False, folder: StackFolder = None) -> None:  # noqa: A002  -- Typer shows the name
    """Read again what failed of a document, and nothing else.

    A document that failed before its pages were known is begun anew; one that was cancelled goes on. What was
    read stays as it is. `pageline status ID --watch` shows how it goes.
    """
    from worker.cli.mending import retry_document  # noqa: PLC0415  -- brings queue and storage

    retry_document(id, folder, as_json=as_json)
