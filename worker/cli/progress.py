"""Showing documents at work: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from worker.cli.view import STYLES, DocumentView, most_telling, totals

_FRAME = 6  # lines of the terminal that are not for documents: header, rules, totals, the shell's prompt
_NAME = 48  # characters of a document's name in a table
_BAR = 16  # characters of a document's bar
_LINE_EVERY = 10.0  # seconds between two plain lines about one document that goes on


class Progress(Protocol):
    """Where the state of the work is shown; a context, so that the screen is always left in order."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Leave the screen as it is to stay."""
        ...

    def say(self, sentence: str) -> None:
        """Show what the stack itself is doing, until the next sentence; an empty one says nothing more."""
        ...

    def note(self, sentence: str) -> None:
        """Leave a sentence on the screen for good."""
        ...

    def show(self, views: Sequence[DocumentView]) -> None:
        """Show the documents as they are now."""
        ...


def progress_on(console: Console) -> Progress:
    """The kind of progress that suits `console`."""
    return LiveTable(console) if console.is_terminal else PlainLines(console)


class PlainLines:
    """One line per document that ends, and now and then one for a document that goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, tuple[DocumentView, float]] = {}
        self._sentence = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def say(self, sentence: str) -> None:
        """Print the sentence, unless it says nothing new."""
        if sentence not in {"", self._sentence}:
            self._console.print(sentence)
        self._sentence = sentence

    def note(self, sentence: str) -> None:
        """Print the sentence."""
        self._console.print(sentence)

    def show(self, views: Sequence[DocumentView]) -> None:
        """Print what has changed and matters."""
        now = monotonic()
        for view in views:
            before, since = self._told.setdefault(view.id, (view, now))
            ended = view.over and (before is view or not before.over)
            went_on = view.settled > before.settled and now - since >= _LINE_EVERY
            if ended or went_on:
                self._told[view.id] = view, now
                self._console.print(line_about(view))


def line_about(view: DocumentView) -> str:
    """`scans/a.pdf: succeeded, pages 12`, with the reason where there is one."""
    pages = view.page_count()
    reason = f": {view.short_reason}" if view.reason else ""
    return f"{view.name}: {view.state}{f', pages {pages}' if pages else ''}{reason}"


class LiveTable:
    """A table that is redrawn in place; at the end it stays on the screen as it last was."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._views: Sequence[DocumentView] = ()
        self._spinner = Spinner("dots")
        self._sentence = ""
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=8, vertical_overflow="ellipsis"
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._sentence = ""
        self._live.stop()

    def say(self, sentence: str) -> None:
        """Show the sentence beside the spinner until the next one."""
        self._sentence = sentence

    def note(self, sentence: str) -> None:
        """Print the sentence above the table."""
        self._console.print(sentence)

    def show(self, views: Sequence[DocumentView]) -> None:
        """Take over the documents for the next redraw."""
        self._views = list(views)

    def _render(self) -> Group:
        parts: list[Table | Spinner | Text] = []
        if self._views:
            parts.append(document_table(self._views, room=self._console.height - _FRAME))
            parts.append(Text(totals(self._views)))
        if self._sentence:
            self._spinner.update(text=Text(self._sentence, style="dim"))
            parts.append(self._spinner)
        return Group(*parts)


def document_table(views: Sequence[DocumentView], *, room: int, ids: bool = False) -> Table:
    """The documents as a table of at most `room` rows (at least one), with a row for those left out."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    if ids:
        table.add_column("id", no_wrap=True)
    table.add_column("document", overflow="ellipsis", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("pages", no_wrap=True)
    chosen = most_telling(views, max(1, room))
    bars = any(map(_bar_of, chosen))
    if bars:
        table.add_column("", no_wrap=True)
    table.add_column("", overflow="ellipsis", no_wrap=True, style="dim")
    for view in chosen:
        style = STYLES.get(view.state, "cyan")
        cells = [Text(_end_of(view.name)), Text(view.state, style=style), Text(view.page_count())]
        bar: list[ProgressBar | Text] = [_bar_of(view) or Text()] if bars else []
        table.add_row(*([Text(view.id)] if ids else []), *cells, *bar, Text(view.short_reason))
    if len(chosen) < len(views):
        table.add_row(Text(f"and {len(views) - len(chosen):,} more", style="dim"), "", "", "")
    return table


def _bar_of(view: DocumentView) -> ProgressBar | None:
    """How far a document is that goes on; None for others."""
    if view.over or not view.pages:
        return None
    return ProgressBar(total=view.pages, completed=view.settled, width=_BAR)


def _end_of(name: str) -> str:
    """A long name's end, which tells more than its start."""
    return name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
