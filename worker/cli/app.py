"""The Typer application: which commands there are, and what holds for all of them."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from worker.cli.errors import DEBUG_VARIABLE
from worker.cli.models import models_app
from worker.cli.ocr import ocr
from worker.cli.run import run
from worker.cli.status import status
from worker.cli.submit import submit
from worker.cli.up import up
from worker.cli.version import show_version, version
from worker.cli.worker import worker

READ = "Read documents"
STACK = "Keep it running"
SETUP = "Set up"

app = typer.Typer(
    name="pageline",
    rich_markup_mode="markdown",  # paragraphs of help are wrapped to the terminal
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # `reported` ends a command with one sentence instead
    context_settings={
        "help_option_names": ["-h", "--help"],
        # PaddleX writes its flags with underscores, everybody else with dashes: take both.
        "token_normalize_func": lambda token: token.replace("-", "_"),
    },
)
app.command(rich_help_panel=READ)(run)
app.command(rich_help_panel=READ)(ocr)
app.command(rich_help_panel=STACK)(up)
app.command(rich_help_panel=STACK)(submit)
app.command(rich_help_panel=STACK)(status)
app.command(rich_help_panel=STACK)(worker)
app.add_typer(models_app, rich_help_panel=SETUP)
app.command(rich_help_panel=SETUP)(version)


@app.callback()
def pageline(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version_asked: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Upload-and-forget OCR: documents in, text and pictures out, no page lost on the way.

    Start with **pageline run FILE**: it needs nothing but the files.
    """
    del version_asked  # its callback has ended the process
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
