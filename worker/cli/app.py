"""The Typer application: which commands there are, and what holds for all of them."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from worker.cli.alive import alive
from worker.cli.audit import audit
from worker.cli.backfill import backfill
from worker.cli.bridge import bridge
from worker.cli.callbacks import callbacks_app
from worker.cli.cancel import cancel
from worker.cli.doctor import doctor
from worker.cli.errors import DEBUG_VARIABLE
from worker.cli.explain import explain
from worker.cli.export_samples import export_samples
from worker.cli.keys import keys_app
from worker.cli.models import models_app
from worker.cli.ocr import ocr
from worker.cli.rebuild import rebuild
from worker.cli.retry import retry
from worker.cli.run import run
from worker.cli.serve import serve
from worker.cli.show import show
from worker.cli.status import status
from worker.cli.submit import submit
from worker.cli.top import top
from worker.cli.up import up
from worker.cli.version import show_version, version
from worker.cli.worker import worker

READ = "Read documents"
STACK = "Keep it running"
MEND = "Put right"
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
app.command(rich_help_panel=STACK)(serve)
app.command(rich_help_panel=STACK)(submit)
app.command(rich_help_panel=STACK)(status)
app.command(rich_help_panel=STACK)(show)
app.command(rich_help_panel=STACK)(top)
app.command(rich_help_panel=STACK)(explain)
app.command(rich_help_panel=STACK)(worker)
app.command(rich_help_panel=STACK)(bridge)
app.command(rich_help_panel=STACK)(backfill)
app.command(rich_help_panel=STACK)(alive)
app.command(rich_help_panel=MEND)(doctor)
app.command(rich_help_panel=MEND)(retry)
app.command(rich_help_panel=MEND)(cancel)
app.command(rich_help_panel=MEND)(rebuild)
app.command(rich_help_panel=MEND)(audit)
app.add_typer(callbacks_app, rich_help_panel=MEND)
app.add_typer(keys_app, rich_help_panel=SETUP)
app.add_typer(models_app, rich_help_panel=SETUP)
app.command(name="export-samples", rich_help_panel=SETUP)(export_samples)
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
