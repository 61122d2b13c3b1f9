"""`pageline submit`: announce documents to a stack that is running."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder, option

Locations = Annotated[
    list[str],
    typer.Argument(metavar="LOCATION...", help="A file, a folder or an s3://bucket/key.", show_default=False),
]
Asked = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="How they are to be read; may be repeated."),
]
Tenant = Annotated[str, option("--tenant", "NAME", "Whose documents these are.")]


def submit(
    locations: Locations,
    asked: Asked = None,
    tenant: Tenant = "default",
    folder: StackFolder = None,
) -> None:
    """Announce documents that lie where the stack can read them; prints their ids.

    Without --dir, the settings (PAGELINE_BROKER_URL and so on) say which stack.
    """
    from worker.cli.announcing import announce  # noqa: PLC0415  -- brings the queue

    announce(locations, asked or (), tenant, folder)
