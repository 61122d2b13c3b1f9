"""`pageline bridge`: storage events in, announcements out."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.options import StackFolder, option

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="sqs://QUEUE or its ARN, redis://HOST/0?key=NAME, webhook://HOST:PORT, "
        "seaweedfs://HOST:PORT/BUCKET/PREFIX, or a folder.",
        show_default=False,
    ),
]
Tenant = Annotated[str, option("--tenant", "NAME", "Whose documents these are.")]


def bridge(
    source: Source,
    folder: StackFolder = None,
    tenant: Tenant = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON at the end.")] = False,
) -> None:
    """Announce the documents that SOURCE tells of, until Ctrl-C or SIGTERM; then print what became of events.

    Without --dir, the settings (PAGELINE_BROKER_URL and so on) say which stack. What lies outside
    PAGELINE_SOURCES is counted and passed over. SIGKILL loses nothing: what was not announced comes again.
    """
    from worker.cli.bridging import serve_bridge  # noqa: PLC0415  -- brings the queue

    serve_bridge(source, folder, tenant, as_json=as_json)
