"""The two streams: results on stdout, everything about the work on stderr."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_WIDTH = 1000  # a program that reads a table wants whole cells; rich would cut them to fit 80 columns


@cache
def stdout() -> Console:
    """The console of results."""
    return console_for()


@cache
def stderr() -> Console:
    """The console of progress; `.is_terminal` decides between a live picture and plain lines."""
    return console_for(stderr=True)


def printable(name: str) -> str:
    """A name for any terminal: bytes that are no Unicode, and control characters, as escapes."""
    known = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in known)


def console_for(**options: Any) -> Console:
    """A console that shows names, reasons and texts as they are: data, never markup or emoji codes."""
    from rich.console import Console  # noqa: PLC0415  -- `--help` and completion do without

    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True, **options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPED_WIDTH
    return console
