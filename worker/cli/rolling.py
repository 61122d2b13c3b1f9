"""The work of `pageline models rollout`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from infra.settings import PREFIX, Settings
from infra.status import DocumentStatus, Store
from infra.storage import Storage
from tasks.context import storage_at
from tasks.identify import identify
from tasks.ledger import RequestLost, read_request
from tasks.places import Folder
from tasks.records import DocumentRef
from tasks.rollout import Comparison, compare, falls_to, is_comparable, trial_of
from tasks.served import own_name, served_pipeline
from worker.cli.errors import CommandError, UsageError
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import stderr, stdout
from worker.stack.submission import producer_for

_LOOKED_AT = 10_000  # of the recent documents
_POLL_SECONDS = 0.2
_WORST = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """A document, and the one that is the same source through the other pipeline."""

    name: str
    pages: int
    own: Folder
    other: Folder
    ref: DocumentRef


def roll_out(
    pipeline: str, share: float, limit: int, patience: float, folder: Path | None, *, as_json: bool
) -> None:
    """Send a share of the documents through `pipeline`, wait for them, and report the difference.

    Raises:
        UsageError: the fleet does not serve such a pipeline.
        CommandError: there is nothing to compare, or the trials have not ended in time.
    """
    with chosen_stack(folder) as (settings, store):
        _check(pipeline, settings)
        results = storage_at(settings.results, settings.s3)
        trials = _trials(pipeline, share, limit, settings, store, results)
        with producer_for(settings) as producer:
            for trial in trials:
                producer.announce(trial.ref)
        stderr().print(f"{len(trials)} documents go through {pipeline}, behind everything else that waits")
        ended = _ended(trials, patience, store)
        comparison = Comparison()
        for trial in ended:
            compare(results, trial.own, trial.other, range(1, trial.pages + 1), comparison)
    names = own_name(settings.pipeline), pipeline
    if as_json:
        typer.echo(json.dumps(_as_json(names, comparison, len(trials)), indent=2))
    else:
        _print(names, comparison, {trial.own.document: trial.name for trial in trials})
    if len(ended) < len(trials):
        raise CommandError(f"{len(trials) - len(ended)} trials have not ended within {patience:g} s")


def _check(pipeline: str, settings: Settings) -> None:
    try:
        served_pipeline(pipeline, settings.pipeline)
    except ValueError as error:
        raise UsageError(f"{error}; name it in {PREFIX}PIPELINE__OTHERS of every worker first") from None
    if pipeline == own_name(settings.pipeline):
        raise UsageError(f"{pipeline} is what the fleet reads with; name another pipeline")


def _trials(
    pipeline: str, share: float, limit: int, settings: Settings, store: Store, results: Storage
) -> list[Trial]:
    found: list[Trial] = []
    for status in store.listing.recent(_LOOKED_AT):
        if len(found) < limit and falls_to(status.id, share):
            found += _trial(pipeline, status, settings, results)
    if not found:
        raise CommandError(
            f"no document among the {_LOOKED_AT} most recent ones falls to a share of {share:g} and was read "
            f"by {own_name(settings.pipeline)} from a source that is still there"
        )
    return found


def _trial(pipeline: str, status: DocumentStatus, settings: Settings, results: Storage) -> Iterator[Trial]:
    own = Folder(status.folder)
    try:
        request = read_request(results, own)
    except RequestLost:
        return
    if not is_comparable(status, request, own_name(settings.pipeline)):
        return
    ref = trial_of(request, pipeline)
    identified = identify(settings, lambda uri: storage_at(uri, settings.s3), ref)
    if identified.request.verdict is None:
        yield Trial(short_name(status.source), status.pages or 0, own, identified.folder, ref)


def _ended(trials: Sequence[Trial], patience: float, store: Store) -> list[Trial]:
    """The trials that end within so many seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = store.listing.documents([trial.other.document for trial in trials])
        over = {status.id for status in found if status.terminal}
        if len(over) == len(trials) or time.monotonic() > deadline:
            return [trial for trial in trials if trial.other.document in over]
        time.sleep(_POLL_SECONDS)


def _as_json(names: tuple[str, str], comparison: Comparison, trials: int) -> dict[str, Any]:
    worst = [
        {"document": page.document, "page": page.number, "cer": round(page.error_rate, 5)}
        for page in comparison.most_different(_WORST)
    ]
    return {"pipelines": names, "trials": trials, **comparison.summary(), "most_different": worst}


def _print(names: tuple[str, str], comparison: Comparison, documents: dict[str, str]) -> None:
    found = comparison.summary()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", *names):
        table.add_column(title)
    for title, name in (("lines", "lines"), ("mean score", "mean_score"), ("s/page", "seconds_per_page")):
        table.add_row(title, *(str(value) for value in found[name]))
    console = stdout()
    if not found["pages"]:
        console.print("nothing could be compared: there is no page that both had to read")
    else:
        console.print(table)
        console.print(
            f"{sum(found['lines'])} lines on {found['pages']} pages of {found['documents']} documents were "
            f"compared; {found['pages_alike']} pages read alike, {found['cer']:.2%} of the characters differ"
        )
    if found["pages_of_pdf_text_only"]:
        console.print(
            f"{found['pages_of_pdf_text_only']} pages were left out: their lines are the PDFs' own text"
        )
    if found["pages_read_by_one_only"]:
        console.print(f"{found['pages_read_by_one_only']} pages were read by one of the two only")
    for page in comparison.most_different(_WORST):
        console.print(f"{page.error_rate:.2%} differ: page {page.number} of {documents[page.document]}")
    if found["pages"]:
        console.print(f"to switch: {PREFIX}PIPELINE__NAME={names[1]}")
