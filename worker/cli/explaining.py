"""The work of `pageline explain`: identifies a document as ingest does, and shows how that came out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from infra.settings import Settings
from infra.storage import Location
from tasks.context import storage_at
from tasks.identify import Identified, identify
from tasks.ledger import read_manifest
from tasks.options import DEFAULT, Resolved
from tasks.records import Request
from tasks.ref import DocumentRef
from worker.cli.announcing import asked_for, documents_at
from worker.cli.errors import UsageError
from worker.cli.stacks import STATE, settings_from_environment, short_name
from worker.cli.terminal import printable, stdout
from worker.stack.address import find_stack


@dataclass(frozen=True, slots=True)
class Row:
    """One option in force.

    Attributes:
        origin: Who gave it: `default`, `settings`, `rule 'PREFIX'`, `metadata`, `sidecar` or `call`.
        overridden: Who else gave it, in vain, the weakest first.
    """

    name: str
    value: Any
    origin: str
    overridden: tuple[str, ...]


def explain(text: str, asked: Sequence[str], tenant: str, folder: Path | None, *, as_json: bool) -> bool:
    """Show the options of the document at a location; False when it would be rejected.

    Raises:
        UsageError: there is not one document, or an option is not written as NAME=VALUE.
        InfraError: the settings or the storage do not allow an answer.
    """
    settings = settings_from_environment() if folder is None else find_stack(folder / STATE)
    ref = _ref(text, asked, tenant, settings)
    found = identify(settings, lambda uri: storage_at(uri, settings.s3), ref)
    if as_json:
        typer.echo(json.dumps(_as_json(found, settings), indent=2, ensure_ascii=False))
    else:
        _print(found, settings)
    return found.request.verdict is None


def _ref(text: str, asked: Sequence[str], tenant: str, settings: Settings) -> DocumentRef:
    refs = list(documents_at(text, settings))
    if len(refs) != 1:
        raise UsageError(f"there are {len(refs)} documents at {printable(text)}; name one of them")
    return asked_for(refs[0], asked, tenant)


def rows(resolved: Resolved, request: Request) -> Iterator[Row]:
    """Yield the options in force, those of reading only where somebody gave them."""
    options = resolved.options.model_dump(mode="json")
    predict = options.pop("predict")
    # What the settings have their own place for.
    fleet = {
        "pipeline": request.pipeline.name,
        "retention": request.retention,
        "results_days": request.results_days,
    }
    for name, value in {**options, **predict}.items():
        refused = any(problem.option == name for problem in resolved.problems)
        origin = DEFAULT if refused else resolved.origin(name)
        earlier = tuple(said.origin for said in resolved.said.get(name, ())[:-1])
        if value is None and name in fleet:
            yield Row(name, fleet[name], "settings", earlier)
        else:
            yield Row(name, value, origin, earlier)


def _print(found: Identified, settings: Settings) -> None:
    console = stdout()
    request = found.request
    console.print(f"{short_name(request.source.uri)}: document {request.id}, {_known(found, settings)}")
    console.print(f"read by the pipeline {request.pipeline.name}; its own options hold where none is shown")
    if found.resolved is not None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("option", "value", "from", "instead of"):
            table.add_column(title, overflow="fold")
        for row in rows(found.resolved, found.request):
            style = "dim" if row.origin == DEFAULT else ""
            table.add_row(row.name, _word(row.value), row.origin, ", ".join(row.overridden), style=style)
        console.print(table)
        for problem in found.resolved.problems:
            console.print(f"refused ({problem.origin}): {printable(problem.sentence)}")
    if request.verdict is not None:
        console.print(f"it would be {request.verdict.state}: {printable(request.verdict.reason)}")


def _as_json(found: Identified, settings: Settings) -> dict[str, Any]:
    resolved = found.resolved
    problems = resolved.problems if resolved is not None else ()
    verdict = found.request.verdict
    return {
        "id": found.request.id,
        "source": found.request.source.uri,
        "results": _results(found, settings),
        "known": _known(found, settings),
        "pipeline": found.request.pipeline.name,
        "options": [asdict(row) for row in rows(resolved, found.request)] if resolved is not None else [],
        "problems": [asdict(problem) for problem in problems],
        "verdict": verdict.model_dump() if verdict is not None else None,
    }


def _known(found: Identified, settings: Settings) -> str:
    """Say how far the document has got, by what lies in storage."""
    storage = storage_at(settings.results, settings.s3)
    manifest = read_manifest(storage, found.folder)
    if manifest is not None:
        return manifest.state
    announced = any(info.key == found.folder.request for info in storage.list(found.folder.request))
    return "not ended" if announced else "never announced"


def _results(found: Identified, settings: Settings) -> str:
    place = Location.parse(settings.results)
    return Location(place.scheme, place.bucket, found.folder.key).uri


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else printable(value if isinstance(value, str) else json.dumps(value))
