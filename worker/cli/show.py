"""`pageline show`: one document with its pages, what went wrong, its files and its text."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder

Id = Annotated[str, typer.Argument(metavar="ID", help="A document's id.", show_default=False)]
Page = Annotated[
    int | None,
    typer.Option("--page", metavar="N", min=1, help="All lines of this page.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def show(
    id: Id,  # noqa: A002  -- Typer shows the name
    page: Page = None,
    as_json: AsJson = False,
    folder: StackFolder = None,
) -> None:
    """Show a document: how far it is, each page, why pages failed, its files, and how its text begins.

    With --page, all lines of one page, doubtful ones with how sure the reading is.
    """
    from worker.cli.showing import show_document  # noqa: PLC0415  -- brings Redis and storage

    show_document(id, folder, page=page, as_json=as_json)
