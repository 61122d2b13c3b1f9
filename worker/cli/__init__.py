"""The command line, `pageline`.

Importing this package costs nothing: Typer, Rich and the work itself are imported where they are needed.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line with the process's arguments; always ends in `SystemExit`."""
    from worker.cli.app import app  # noqa: PLC0415  -- a quarter of a second that only the command line pays
    from worker.cli.errors import reported  # noqa: PLC0415  -- as above

    with reported():
        app(prog_name="pageline")
