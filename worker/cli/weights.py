"""Weights on the terminal: the list of models, and downloads with a bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from pipelines import create_pipeline
from pipelines.blueprint import module_section, switched_on
from pipelines.config.loading import load_config, pipeline_names
from pipelines.models import Form, ModelState, list_models, spec_of
from pipelines.models import Progress as Step
from pipelines.models import pull as pull_models
from pipelines.models.files import ProgressCallback
from pipelines.models.spec import FORMS
from pipelines.ocr import OCRPipeline
from worker.cli.terminal import stderr, stdout


def models_of(name: str) -> list[tuple[str, Form | None]]:
    """The models a shipped pipeline needs, and in which form; any other `name` is taken for a model's own."""
    if name not in pipeline_names():
        return [(name, None)]
    config = load_config(name)
    sections = (*switched_on(config), "TextDetection", "TextRecognition")
    models = [str(module_section(config, section)["model_name"]) for section in sections]
    return [(model, spec_of(model).preferred_form) for model in models]


def fetch(names: Sequence[str], *, verify: bool = False, form: Form | None = None) -> None:
    """Bring models, or those of pipelines, into the cache with a bar on stderr; say on stdout where they are.

    Raises:
        PipelineError: an unknown name, or weights that cannot be had.
    """
    with download_bars(stderr()) as report:
        found = [
            files
            for name in names
            for model, own in models_of(name)
            for files in pull_models([model], verify=verify, form=form or own, progress=report)
        ]
    for files in found:
        stdout().print(f"{files.name} ({files.form}): {files.folder}")


@contextmanager
def download_bars(console: Console) -> Iterator[ProgressCallback]:
    """A callback for downloads that draws one bar per model; without a terminal it prints one line each."""
    if not console.is_terminal:
        yield _plain_lines(console)
        return
    with Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: Step) -> None:
            if step.action == "ready":
                return
            if step.model not in tasks:
                tasks[step.model] = bars.add_task(step.model, total=None)
            doing = (
                step.model if step.action == "downloading" else f"{step.model}: waiting for another process"
            )
            bars.update(tasks[step.model], description=doing, completed=step.done, total=step.total)

        yield report


def _plain_lines(console: Console) -> ProgressCallback:
    told: set[tuple[str, str]] = set()

    def report(step: Step) -> None:
        if step.action != "ready" and (step.model, step.action) not in told:
            told.add((step.model, step.action))
            what = f" from {step.source}" if step.action == "downloading" else " for another process"
            console.print(f"{step.model}: {step.action}{what}")

    return report


def print_models() -> None:
    """Print every model, and for each form whether its weights are here; damage is named below."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("model", "task", *FORMS):
        table.add_column(column, no_wrap=True)
    states = list_models()
    for name, rows in groupby(states, key=lambda state: state.spec.name):
        forms = {state.form: state for state in rows}
        task = next(iter(forms.values())).spec.module
        table.add_row(name, task, *(_condition(forms.get(form)) for form in FORMS))
    stdout().print(table)
    for state in states:
        if state.problem is not None:
            stdout().print(state.problem)


def _condition(state: ModelState | None) -> Text:
    if state is None:
        return Text("-", style="dim")
    if state.problem is not None:
        return Text("damaged", style="red")
    return Text("here", style="green") if state.cached else Text("to fetch")


def fetch_for(creation: Mapping[str, Any]) -> None:
    """Bring the weights of a pipeline here, so that no worker has to; `creation` is what makes it.

    Raises:
        PipelineError: it cannot be made like that, or weights cannot be had.
    """
    make_pipeline(creation)


def make_pipeline(creation: Mapping[str, Any]) -> OCRPipeline:
    """`create_pipeline`, with a bar on stderr while weights are fetched; raises what it raises."""
    with download_bars(stderr()) as report:
        return create_pipeline(**creation, progress=report)
