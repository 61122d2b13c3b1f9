"""`pageline top`: the fleet at work, live."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder

Once = Annotated[bool, typer.Option("--once", help="Print it once, for scripts.")]
Seconds = Annotated[
    float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds from one look to the next.")
]


def top(folder: StackFolder = None, once: Once = False, interval: Seconds = 2.0) -> None:
    """Show workers and what each is at, queues and how long they take, documents under way, errors.

    Ends with Ctrl-C. Without a terminal it prints once.
    """
    from worker.cli.overview import show_overview  # noqa: PLC0415  -- brings Redis and Rich's tables

    show_overview(folder, once=once, interval=interval)
