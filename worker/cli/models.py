"""`pageline models`: which weights there are, which are here, and fetching them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

models_app = typer.Typer(name="models", help="List and fetch the models' weights.", no_args_is_help=True)

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
