"""Options that several commands share, and the words they take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.models import OptionInfo

from pipelines.cores import available_cores
from worker.cli.errors import UsageError

Word = Literal["True", "False"]  # PaddleX's command line spells booleans so
WORDS = "BOOL"


def option(flag: str, metavar: str, help_text: str, panel: str | None = None) -> OptionInfo:
    """A flag that takes a value."""
    made: OptionInfo = typer.Option(
        flag, metavar=metavar, help=help_text, rich_help_panel=panel, case_sensitive=False
    )
    return made


Pipeline = Annotated[str, option("--pipeline", "NAME", "A pipeline (OCR, OCR-v4) or a YAML file.")]
Engine = Annotated[
    str | None,
    option("--engine", "NAME", "openvino, onnxruntime, paddle or fake; without it, the fastest."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Worker processes; without it, one for two cores, at most 8."
    ),
]
WorkerDevice = Annotated[str, option("--device", "DEVICE", "What the workers compute on: cpu, gpu:0 ...")]
StackFolder = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="The folder of a running `up`.", file_okay=False)
]


def worker_count(asked: int | None) -> int:
    """How many workers to start; a page's reading scales to two threads and little further."""
    return asked if asked is not None else max(1, min(8, available_cores() // 2))


def truth(word: Word | None) -> bool | None:
    """The boolean a word stands for; None stays None, which means the pipeline's default."""
    return None if word is None else word == "True"


def json_object(text: str | None, *, flag: str) -> dict[str, object] | None:
    """The object a flag's JSON `text` holds.

    Raises:
        UsageError: it is not JSON, or not an object.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{flag} takes a JSON object, and {text!r} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{flag} takes a JSON object such as '{{\"threads\": 2}}', not {text!r}")
    return value
