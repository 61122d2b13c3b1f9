"""`pageline keys`: who may use the HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

keys_app = typer.Typer(name="keys", no_args_is_help=True, help="API keys of the HTTP service.")

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The file of keys; without it, PAGELINE_HTTP__KEYS_FILE.",
        dir_okay=False,
    ),
]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="NAME", help="Whose documents it opens; without it, everybody's."),
]


@keys_app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the key is for.", show_default=False)],
    tenant: Tenant = None,
    file: File = None,
) -> None:
    """Make a key and print it. Only its hash is kept: nobody can print it again."""
    from worker.cli.keying import make_key  # noqa: PLC0415  -- brings the settings

    make_key(name, tenant, file)


@keys_app.command("list")
def show(
    file: File = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show which keys there are, without their secrets."""
    from worker.cli.keying import show_keys  # noqa: PLC0415  -- as above

    show_keys(file, as_json=as_json)


@keys_app.command()
def remove(
    id: Annotated[str, typer.Argument(metavar="ID", help="A key's id.", show_default=False)],  # noqa: A002  -- Typer shows the name
    file: File = None,
) -> None:
    """Take a key away; a service that runs notices within a second."""
    from worker.cli.keying import remove_named  # noqa: PLC0415  -- as above

    remove_named(id, file)
