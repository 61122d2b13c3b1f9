"""`pageline callbacks`: messages about finished documents that have not arrived."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder

callbacks_app = typer.Typer(
    name="callbacks", help="List and retry messages about finished documents.", no_args_is_help=True
)

Id = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="A document's id; without one, all of them.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many of each kind at most.")]


@callbacks_app.command("list")
def list_all(limit: Limit = 100, as_json: AsJson = False, folder: StackFolder = None) -> None:
    """List what waits to be delivered, with its next try, and the dead letters that were given up."""
    from worker.cli.calling import list_callbacks  # noqa: PLC0415  -- brings Redis

    list_callbacks(folder, limit=limit, as_json=as_json)


@callbacks_app.command("retry")
def retry(id: Id = None, as_json: AsJson = False, folder: StackFolder = None) -> None:  # noqa: A002  -- Typer shows the name
    """Deliver dead letters after all: those about one document, or all. Ends with 1 if the one has none."""
    from worker.cli.calling import retry_callbacks  # noqa: PLC0415  -- brings Redis

    retry_callbacks(id, folder, as_json=as_json)
