"""The work of `pageline show`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typer
from rich.table import Table
from rich.text import Text

from infra.errors import NotFound
from infra.settings import Settings
from infra.status import DocumentStatus, Store
from infra.status.states import PageState
from tasks.context import storage_at
from tasks.ledger import read_manifest
from tasks.pagefiles import read_page
from tasks.places import Folder
from tasks.records import Manifest
from worker.cli.asking import described, known_document
from worker.cli.errors import CommandError
from worker.cli.stacks import chosen_stack, view_of
from worker.cli.terminal import printable, stdout
from worker.cli.view import STYLES

_PREVIEW = 12  # lines of text
_STRIP = 50  # pages in one row of the strip
_MOST_IN_STRIP = 1000
_MOST_REASONS = 20
_SURE = 0.9  # a line less sure than this says so
_KILO = 1000
_MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "done": ("■", "green"),
    "failed": ("✕", "bold red"),
    "running": ("▸", "cyan"),
    "pending": ("·", "dim"),
    "cancelled": ("-", "dim"),
    "skipped": ("·", "dim"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page, and how sure its reading is, from 0 to 1."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a document, from the queue and from storage.

    Attributes:
        pages: The public names of all pages' states, in order.
        reasons: Why pages failed, by their numbers.
        manifest: How it ended; None while it has not.
        page: The page whose lines these are; None while none is read.
    """

    status: DocumentStatus
    pages: Sequence[str]
    reasons: Mapping[int, str]
    manifest: Manifest | None
    page: int | None
    lines: Sequence[Line]


def show_document(document: str, folder: Path | None, *, page: int | None, as_json: bool) -> None:
    """Show a document, or all lines of one of its pages.

    Raises:
        CommandError: nobody knows the document, or it has no such page, or the page is not read.
        InfraError: the stack or the storage cannot be asked.
    """
    with chosen_stack(folder) as (settings, store):
        shown = _look(document, page, settings, store)
        if as_json:
            typer.echo(json.dumps(_as_json(shown, settings, store), indent=2, ensure_ascii=False))
        elif page is not None:
            _print_lines(shown.lines)
        else:
            _print(shown, described(shown.status, settings, store)["results"])


def _look(document: str, page: int | None, settings: Settings, store: Store) -> Shown:
    status = known_document(store, document)
    storage, folder = storage_at(settings.results, settings.s3), Folder(status.folder)
    manifest = read_manifest(storage, folder) if status.terminal else None
    pages = [state.label for state in store.listing.pages(document)]
    reasons = store.listing.reasons(document)
    if not pages and manifest is not None:  # the queue has forgotten its pages
        pages = [entry.state for entry in manifest.pages]
        reasons = {entry.number: entry.reason for entry in manifest.pages if entry.reason is not None}
    chosen = _chosen(page, pages, reasons)
    lines: Sequence[Line] = ()
    if chosen is not None:
        try:
            lines = list(_lines(read_page(storage, folder, chosen)[0]))
        except NotFound:
            raise CommandError(f"page {chosen} is no longer among the results") from None
    failed = PageState.FAILED.label
    told = {
        number: why for number, why in reasons.items() if number > len(pages) or pages[number - 1] == failed
    }
    return Shown(status, pages, told, manifest, chosen, lines)


def _chosen(page: int | None, pages: Sequence[str], reasons: Mapping[int, str]) -> int | None:
    """The page whose lines are shown: the one that was named, or the first that is read."""
    done = PageState.DONE.label
    if page is None:
        return next((number for number, state in enumerate(pages, 1) if state == done), None)
    if page > len(pages):
        raise CommandError(f"there is no page {page}: the document has {len(pages)}, as far as is known")
    if pages[page - 1] != done:
        why = f": {printable(reasons[page])}" if page in reasons else ""
        raise CommandError(f"page {page} has no text, it is {pages[page - 1]}{why}")
    return page


def _lines(content: Mapping[str, Any]) -> Iterator[Line]:
    """The lines of a page's JSON in reading order."""
    texts, scores = content.get("rec_texts", []), content.get("rec_scores", [])
    for index in content.get("reading_order") or range(len(texts)):
        yield Line(texts[index], scores[index])


def _print(shown: Shown, results: str) -> None:
    console = stdout()
    view = view_of(shown.status)
    console.print(Text(view.name, style="bold"))
    state = Text(view.state, style=STYLES.get(view.state, "cyan"))
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("id", shown.status.id)
    facts.add_row("state", state + Text(f": {printable(view.short_reason)}") if view.reason else state)
    facts.add_row("pages", Text(view.page_count() or "not counted yet"))
    facts.add_row("came", _when(shown.status))
    if shown.manifest is not None:
        told = shown.manifest.pipeline
        read_with = [told.name, told.engine, told.device, told.precision]
        facts.add_row("read with", ", ".join(filter(None, read_with)))
    facts.add_row("results", Text(results))
    console.print(facts)
    if 1 < len(shown.pages) <= _MOST_IN_STRIP:
        console.print(_strip(shown.pages))
    _print_reasons(shown.reasons)
    _print_outputs(shown.manifest)
    if shown.lines:
        console.print(Text(f"\ntext of page {shown.page}", style="dim"))
        _print_lines(shown.lines[:_PREVIEW])
        more = len(shown.lines) - _PREVIEW
        if more > 0:
            console.print(Text(f"and {more:,} more lines; --page {shown.page} shows all", style="dim"))


def _when(status: DocumentStatus) -> str:
    came = datetime.fromtimestamp(status.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return came if status.finished is None else f"{came}, over in {status.finished - status.created:.1f} s"


def _strip(pages: Sequence[str]) -> Text:
    """A mark for each page, so that gaps catch the eye."""
    strip = Text()
    for number, state in enumerate(pages):
        if number and number % _STRIP == 0:
            strip.append("\n")
        strip.append(*_MARKS.get(state, ("?", "")))
    return strip


def _print_reasons(reasons: Mapping[int, str]) -> None:
    for number, reason in sorted(reasons.items())[:_MOST_REASONS]:
        stdout().print(Text(f"page {number}: {printable(reason)}", style="red"))
    if len(reasons) > _MOST_REASONS:
        stdout().print(Text(f"and {len(reasons) - _MOST_REASONS:,} more failed pages", style="red"))


def _print_outputs(manifest: Manifest | None) -> None:
    if manifest is None or not manifest.outputs:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right", style="dim")
    for file in manifest.outputs:
        table.add_row(file.name, _size(file.size))
    stdout().print(Text("\nfiles", style="dim"))
    stdout().print(table)


def _print_lines(lines: Sequence[Line]) -> None:
    for line in lines:
        doubt = Text(f"  {line.score:.0%} sure", style="yellow") if line.score < _SURE else Text()
        stdout().print(Text(printable(line.text)) + doubt)


def _size(count: int) -> str:
    """`1.2 kB`, as file managers count."""
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= _KILO and len(units) > 1:
        value /= _KILO
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def _as_json(shown: Shown, settings: Settings, store: Store) -> dict[str, Any]:
    files = shown.manifest.outputs if shown.manifest is not None else []
    return {
        **described(shown.status, settings, store),
        "page_states": list(shown.pages),
        "outputs": [file.model_dump(mode="json") for file in files],
        "page": shown.page,
        "lines": [{"text": line.text, "score": line.score} for line in shown.lines],
    }
