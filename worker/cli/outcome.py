"""What came of the documents of one `pageline run`: for the person, and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from infra.status.states import DocumentState
from worker.cli.view import STYLES, DocumentView, totals

MANIFEST = "document.json"
TEXT = "document.txt"
_PAGES_NAMED = 5  # failed pages of one document that are named one by one


@dataclass(frozen=True, slots=True)
class Outcome:
    """One document at its end.

    Attributes:
        view: its state and counts.
        path: the file that was read.
        folder: where its results lie; None when it never got any.
        failed_pages: page numbers, from 1, with the reason of each.
        outputs: the names of the readable documents that were made.
        earlier: whether an earlier run had read it, and this one found it read.
    """

    view: DocumentView
    path: Path
    folder: Path | None
    failed_pages: dict[int, str]
    earlier: bool
    outputs: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether every page was read."""
        return self.view.state == DocumentState.SUCCEEDED

    def file(self, name: str) -> Path | None:
        """The path of the result called `name`, where there is one."""
        path = self.folder / name if self.folder is not None else None
        return path if path is not None and path.is_file() else None


def outcome(view: DocumentView, path: Path, folder: Path, *, since: float = 0) -> Outcome:
    """The outcome of `view`, with what its manifest in `folder` knows beyond the state.

    `since` is when this run began, in seconds of the epoch.
    """
    file = folder / MANIFEST
    try:
        manifest, written = json.loads(file.read_bytes()), file.stat().st_mtime
    except FileNotFoundError:
        manifest, written = {}, since
    failed = {
        page["number"]: page["reason"] or "no reason was recorded"
        for page in manifest.get("pages", ())
        if page["state"] != "done"
    }
    outputs = [output["name"] for output in manifest.get("outputs", ())]
    return Outcome(view, path, folder if folder.is_dir() else None, failed, written < since, outputs)


def print_summary(console: Console, outcomes: Sequence[Outcome], results: Path, seconds: float) -> None:
    """Say for each document what failed and why and where its files are, then the sum."""
    for one in outcomes:
        state = (one.view.state, STYLES.get(one.view.state, ""))
        console.print(Text.assemble(one.view.name, ": ", state, ", as read before" if one.earlier else ""))
        for reason in _reasons(one):
            console.print(f"    {reason}", style="red")
        for file in filter(None, map(one.file, (*one.outputs, MANIFEST))):
            console.print(f"    {_short(file)}")
    views = [one.view for one in outcomes]
    console.print(f"\n{totals(views)} in {seconds:.1f} s; results in {_short(results)}")


def _reasons(one: Outcome) -> Iterator[str]:
    if one.view.reason:
        yield one.view.short_reason
    named = list(one.failed_pages.items())
    yield from (f"page {number}: {reason}" for number, reason in named[:_PAGES_NAMED])
    if len(named) > _PAGES_NAMED:
        yield f"and {len(named) - _PAGES_NAMED:,} more pages, listed in {MANIFEST}"


def _short(path: Path) -> Path:
    """The path as somebody would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def as_json(outcomes: Sequence[Outcome], results: Path, seconds: float) -> dict[str, Any]:
    """The same as one JSON object; paths are absolute, `complete` says what the exit code says."""
    return {
        "complete": all(one.complete for one in outcomes),
        "results": str(results),
        "seconds": round(seconds, 3),
        "documents": [_document(one) for one in outcomes],
    }


def _document(one: Outcome) -> dict[str, Any]:
    view = one.view
    return {
        "path": str(one.path),
        "id": view.id,
        "state": str(view.state),
        "read_before": one.earlier,
        "reason": view.reason,
        "pages": view.pages,
        "pages_done": view.done,
        "pages_failed": view.failed,
        "failed_pages": [{"number": number, "reason": reason} for number, reason in one.failed_pages.items()],
        "folder": _text(one.folder),
        "text": _text(one.file(TEXT)),
        "outputs": [str(file) for file in filter(None, map(one.file, one.outputs))],
        "manifest": _text(one.file(MANIFEST)),
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
