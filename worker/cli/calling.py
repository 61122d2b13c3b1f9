"""The work of `pageline callbacks`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from infra.notify.targets import shown
from infra.status.outbox import Undelivered
from worker.cli.errors import CommandError
from worker.cli.stacks import chosen_stack
from worker.cli.terminal import printable, stdout
from worker.cli.view import duration, plural


def list_callbacks(folder: Path | None, *, limit: int, as_json: bool) -> None:
    """List the letters that were not delivered. Raises `InfraError` when the stack does not answer."""
    with chosen_stack(folder) as (_, store):
        pending, dead = store.outbox.pending(limit), store.outbox.dead(limit)
    if as_json:
        found = {"pending": list(map(described, pending)), "dead": list(map(described, dead))}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif pending or dead:
        stdout().print(callback_table([*pending, *dead], now=time.time()))
    else:
        stdout().print("every message has arrived")


def retry_callbacks(document: str | None, folder: Path | None, *, as_json: bool) -> None:
    """Have dead letters delivered after all.

    Raises:
        CommandError: there is none about the document that was named.
        InfraError: the stack does not answer.
    """
    with chosen_stack(folder) as (_, store):
        count = store.outbox.revive(document)
    if document is not None and count == 0:
        raise CommandError(f"there are no dead letters about a document {document}")
    if as_json:
        typer.echo(json.dumps({"retried": count}))
    else:
        stdout().print(f"{plural(count, 'message')} to be delivered again")


def described(letter: Undelivered) -> dict[str, Any]:
    """A letter for a program; what may hold a key is left out of the target."""
    return {**asdict(letter), "target": shown(letter.target)}


def callback_table(letters: Sequence[Undelivered], *, now: float) -> Table:
    """The letters as a table; times are those until then, in seconds since the epoch."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("document", no_wrap=True)
    table.add_column("target", overflow="fold")
    table.add_column("tries", justify="right", no_wrap=True)
    table.add_column("next try", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for letter in letters:
        again = f" (generation {letter.generation})" if letter.generation > 1 else ""
        table.add_row(
            Text(f"{letter.document}{again}"),
            Text(printable(shown(letter.target))),
            Text(str(letter.tries)),
            Text(*_next(letter, now)),
            Text(printable(letter.reason or "")),
        )
    return table


def _next(letter: Undelivered, now: float) -> tuple[str, str]:
    """When a letter is tried next, and the colour to say so in."""
    if letter.died is not None:
        return "dead", "bold red"
    if letter.due is None:
        return "after another", "dim"
    seconds = letter.due - now
    return ("now" if seconds <= 0 else f"in {duration(seconds)}"), "yellow" if letter.reason else ""
