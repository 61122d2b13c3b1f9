"""`pageline explain`: with which options a document is read, and who gave them."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder

Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="A file or URL.", show_default=False)]
Asked = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="As if whoever announces it asked for this."),
]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose document it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def explain(
    document: Document,
    option: Asked = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
    folder: StackFolder = None,
) -> None:
    """Print the options a document would be read with, where each comes from, and what would be refused.

    Nothing is announced, and no queue is needed. Ends with 3 when the document would be rejected.
    """
    from worker.cli.explaining import explain as show  # noqa: PLC0415  -- brings storage and options

    if not show(document, option or (), tenant, folder, as_json=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
