"""`pageline serve`: the HTTP service of a fleet."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder

Host = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Listen here.", show_default=False)
]
Port = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", min=0, max=65535, help="And on this port.", show_default=False),
]


def serve(host: Host = None, port: Port = None, folder: StackFolder = None) -> None:
    """Take documents over HTTP, tell of their progress and hand out their results, until Ctrl-C or SIGTERM.

    The settings (PAGELINE_HTTP__HOST and so on) say how; other machines are served only with API keys, which
    **pageline keys add** makes. `pageline up` has a service of its own.
    """
    from worker.cli.serving import serve_http  # noqa: PLC0415  -- brings the web server

    serve_http(host, port, folder)
