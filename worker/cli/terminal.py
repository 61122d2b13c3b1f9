"""The two streams: results on stdout, everything about the work on stderr."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


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

    return Console(markup=False, emoji=False, highlight=False, soft_wrap=True, **options)
