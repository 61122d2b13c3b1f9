"""`pageline models`: which weights there are, which are here, and fetching them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from worker.cli.options import StackFolder

models_app = typer.Typer(
    name="models", help="List and fetch the models' weights, and try new ones.", no_args_is_help=True
)

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...", help="Models, or pipelines for all that they need.", show_default=False
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Hash again what is already here.")]
FormOption = Annotated[
    Literal["onnx", "paddle"] | None,
    typer.Option(
        "--form", metavar="onnx|paddle", help="The form of the weights; without it, what a pipeline takes."
    ),
]


@models_app.command("list")
def list_all() -> None:
    """List every model that is known, and whether its weights are on this machine."""
    from worker.cli.weights import print_models  # noqa: PLC0415  -- brings Rich's tables and the registry

    print_models()


@models_app.command("pull")
def pull(names: Names, verify: Verify = False, form: FormOption = None) -> None:
    """Fetch weights into the cache; what is there already stays."""
    from worker.cli.weights import fetch  # noqa: PLC0415  -- brings the registry

    fetch(names, verify=verify, form=form)


PipelineName = Annotated[
    str,
    typer.Argument(metavar="PIPELINE", help="One that the fleet serves beside its own.", show_default=False),
]
Share = Annotated[float, typer.Option("--share", min=0, max=1, help="The share of the documents.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many documents.")]
Patience = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models_app.command("rollout")
def rollout(
    pipeline: PipelineName,
    share: Share = 0.05,
    limit: Limit = 100,
    timeout: Patience = 3600,
    as_json: AsJson = False,
    folder: StackFolder = None,
) -> None:
    """Read a share of the recent documents with another pipeline as well, and tell how the two differ.

    Texts, scores and speed are compared page by page, before anything is switched. The fleet must serve that
    pipeline (PAGELINE_PIPELINE__OTHERS). The trials wait behind all other work, nobody is told of them, and
    their results go after a week.
    """
    from worker.cli.rolling import roll_out  # noqa: PLC0415  -- brings queue and storage

    roll_out(pipeline, share, limit, timeout, folder, as_json=as_json)
