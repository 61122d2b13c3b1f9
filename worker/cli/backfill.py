"""`pageline backfill`: announce what lies in a bucket or folder already."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder, option

Location = Annotated[
    str,
    typer.Argument(metavar="LOCATION", help="s3://bucket/prefix or a folder.", show_default=False),
]
Since = Annotated[
    str | None,
    option("--since", "TIME", "Only what was changed since: 2026-01-31, 2026-01-31T12:00+01:00, 7d, 12h."),
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", metavar="N", min=0.01, help="At most so many documents a second."),
]
Tenant = Annotated[str, option("--tenant", "NAME", "Whose documents these are.")]


def backfill(
    location: Location,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be announced.")] = False,
    rate: Rate = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, not where one was ended.")] = False,
    folder: StackFolder = None,
    tenant: Tenant = "default",
) -> None:
    """Announce every document below LOCATION; those that were read before stay as they are.

    One that was ended goes on where it was. It waits while the control workers have enough to do.
    """
    from worker.cli.filling import Wanted, fill  # noqa: PLC0415  -- brings the queue

    fill(Wanted(location, since, rate, tenant), folder, dry_run=dry_run, restart=restart)
