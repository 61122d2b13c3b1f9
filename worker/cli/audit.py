"""`pageline audit`: prove that nothing is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.errors import ExitCode
from worker.cli.options import StackFolder

Results = Annotated[
    str, typer.Argument(metavar="LOCATION", help="Where results are: a folder or URL.", show_default=False)
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source", metavar="LOCATION", help="Where documents came from; without it, what the settings say."
    ),
]
Repair = Annotated[
    bool, typer.Option("--repair", help="Have what is missing or damaged made again; needs the queue.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def audit(
    location: Results,
    source: Sources = None,
    repair: Repair = False,
    as_json: AsJson = False,
    folder: StackFolder = None,
) -> None:
    """Compare sources, manifests, page files and their digests; one line for each problem.

    Ends with 0 only when everything is complete, otherwise with 3, also where nothing is found. Pages that
    failed with a recorded reason are complete. The settings' sources are compared with the whole results, not
    with a part of them. Without --repair it needs no queue.
    """
    from worker.cli.auditing import audit as check  # noqa: PLC0415  -- brings queue and storage

    if not check(location, source or (), folder, repair=repair, as_json=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
