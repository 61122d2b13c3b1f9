"""`pageline run`: the whole thing, once, for the files that are named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.write import WRITERS
from worker.cli.errors import ExitCode
from worker.cli.options import Engine, Pipeline, WorkerDevice, Workers, worker_count
from worker.stack.plan import Plan

Paths = Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="Images, PDFs, or folders of them.")]
Results = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="Where the results go.", file_okay=False)
]
Outputs = Annotated[
    str | None,
    typer.Option(
        "--outputs",
        metavar="NAME,...",
        help=f"What is made of each document, of {', '.join(WRITERS)}; without it, txt.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object about the outcome on stdout.")]


def run(
    paths: Paths,
    results: Results = Path("pageline-results"),
    workers: Workers = None,
    as_json: AsJson = False,
    pipeline: Pipeline = "OCR",
    device: WorkerDevice = "cpu",
    engine: Engine = None,
    outputs: Outputs = None,
) -> None:
    """Read files through the real queue, once; the results lie in a folder afterwards.

    A second run over the same files finds them read. Ends with 0 when every document was read, with 3 when
    some pages or documents failed or were rejected.
    """
    from worker.cli.session import read_through_queue  # noqa: PLC0415  -- brings queue and servers

    plan = Plan(worker_count(workers), device, pipeline, engine)
    options = {} if outputs is None else {"outputs": outputs}
    if not read_through_queue(paths, results, plan, options, json_wanted=as_json):
        raise typer.Exit(ExitCode.INCOMPLETE)
