"""The work of `pageline status --workers`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import typer

from infra.status import Heartbeat
from worker.cli.stacks import chosen_stack
from worker.cli.terminal import stdout

STYLES = {"warming": "dim", "idle": "green", "busy": "cyan", "stuck": "bold red"}


def show_workers(folder: Path | None, *, as_json: bool) -> None:
    """Show who is at work and how it does. Raises `InfraError` when the stack cannot be asked."""
    with chosen_stack(folder) as (_, store):
        beats = sorted(store.fleet.workers(), key=lambda beat: beat.name)
    now = time.time()
    if as_json:
        typer.echo(json.dumps([_described(beat, now) for beat in beats], indent=2))
    elif beats:
        _print_table(beats, now)
    else:
        stdout().print("no workers")
    for beat in beats if not as_json else ():
        if beat.replaced is not None:
            stdout().print(f"{beat.name} was replaced: {beat.replaced}")
        if beat.halved:
            stdout().print(
                f"{beat.name} is short of memory on its device: its batch was halved {beat.halved} times, "
                f"to {beat.batch} pages"
            )


def _described(beat: Heartbeat, now: float) -> dict[str, Any]:
    return {**beat.model_dump(mode="json"), "health": beat.health(now)}


def _print_table(beats: list[Heartbeat], now: float) -> None:
    from rich.table import Table  # noqa: PLC0415  -- a program that asks for JSON does without
    from rich.text import Text  # noqa: PLC0415  -- as above

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("worker", "health", "pages/s", "MiB"):
        table.add_column(column, no_wrap=True)
    table.add_column("doing", overflow="fold")
    for beat in beats:
        health = beat.health(now)
        speed = "" if beat.pages_per_second is None else f"{beat.pages_per_second:.2f}"
        memory = "" if beat.memory_mb is None else f"{beat.memory_mb:.0f}"
        health_cell = Text(health, style=STYLES[health])
        table.add_row(Text(beat.name), health_cell, speed, memory, Text(doing(beat, now)))
    stdout().print(table)


def doing(beat: Heartbeat, now: float) -> str:
    """`reading page 3 of document 5f… for 2 s`, for each thing that goes on."""
    return ", ".join(f"{one} for {max(0.0, now - one.since):.0f} s" for one in beat.doing)
