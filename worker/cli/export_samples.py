"""`pageline export-samples`: lines of doubtful reading, for labelling and fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.options import StackFolder

Target = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where to; what is there is added to.", file_okay=False)
]
Below = Annotated[float, typer.Option("--below", min=0, max=1, help="The score below which a line counts.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Stop after so many lines.")]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--document", metavar="ID", help="Of this document; may be given again.", show_default=False
    ),
]


def export_samples(
    target: Target,
    below: Below = 0.9,
    limit: Limit = 1000,
    document: Ids = None,
    folder: StackFolder = None,
) -> None:
    """Write the crops of lines with low scores, and what was read in them, in PPOCRLabel's form.

    From the recent documents, newest first, unless some are named. Correct the readings with PPOCRLabel,
    fine-tune a recogniser with them, and give its folder to a pipeline as `model_dir`.
    """
    from worker.cli.sampling import export  # noqa: PLC0415  -- brings queue, storage and OpenCV

    export(target, below, limit, document or [], folder)
