"""`pageline up`: the stack, kept running for people to upload to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import Engine, Pipeline, WorkerDevice, Workers, worker_count
from worker.stack.plan import Plan

Folder = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="Where inbox, results and state live.", file_okay=False)
]
S3 = Annotated[bool, typer.Option("--s3", help="Take uploads over S3 instead of from DIR/inbox.")]


def up(
    folder: Folder = Path("pageline-data"),
    s3: S3 = False,
    workers: Workers = None,
    pipeline: Pipeline = "OCR",
    device: WorkerDevice = "cpu",
    engine: Engine = None,
) -> None:
    """Keep the stack running: whatever is put into DIR/inbox is read into DIR/results.

    Its HTTP service takes documents too, and has a page for browsers; the address is printed.

    With --s3 a local S3 server takes the uploads; its address, bucket and keys are printed. Ctrl-C ends it;
    nothing is lost, the next start goes on where this one stopped.
    """
    from worker.cli.keeping import keep_running  # noqa: PLC0415  -- brings queue and servers

    keep_running(folder, Plan(worker_count(workers), device, pipeline, engine, serves=True), s3=s3)
