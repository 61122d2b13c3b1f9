"""`pageline status`: how documents are doing."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode, UsageError
from worker.cli.options import StackFolder

Id = Annotated[
    str | None,
    typer.Argument(
        metavar="ID", help="A document's id; without one, the latest documents.", show_default=False
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Keep showing until nothing is left to do.")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="Show this tenant's documents only.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Workers = Annotated[
    bool, typer.Option("--workers", help="Show the workers instead: health, and what each is at.")
]


def status(
    id: Id = None,  # noqa: A002  -- Typer shows the name
    watch: Watch = False,
    tenant: Tenant = None,
    as_json: AsJson = False,
    workers: Workers = False,
    folder: StackFolder = None,
) -> None:
    """Show how one document, or all recent ones, are doing.

    Ends with 3 when the document that was named has ended without every page being read.
    """
    if workers:
        from worker.cli.crew import show_workers  # noqa: PLC0415  -- brings Redis

        if id is not None or watch:
            raise UsageError("--workers shows all workers once, without ID and without --watch")
        show_workers(folder, as_json=as_json)
        return
    from worker.cli.asking import show_status  # noqa: PLC0415  -- brings Redis

    if not show_status(id, folder, watch=watch, as_json=as_json, tenant=tenant):
        raise typer.Exit(ExitCode.INCOMPLETE)
