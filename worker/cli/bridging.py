"""The work of `pageline bridge`."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

import typer

from infra.telemetry.tracing import traced
from worker.bridge.service import bridge_to
from worker.cli.signals import Terminated, ending_in_order
from worker.cli.stacks import chosen_stack
from worker.cli.terminal import stdout
from worker.logs import set_up_logs
from worker.stack.submission import producer_for


def serve_bridge(source: str, folder: Path | None, tenant: str, *, as_json: bool) -> None:
    """Announce what `source` tells of until Ctrl-C or SIGTERM, then print the counts.

    Raises:
        InfraError: the stack does not answer, or the source cannot be opened.
    """
    name = f"bridge@{socket.gethostname()}.{os.getpid()}"
    with traced(name), chosen_stack(folder) as (settings, store), producer_for(settings) as producer:
        set_up_logs(settings)
        # Being told to end is how this command ends, at whatever point.
        with bridge_to(source, settings, store, producer, tenant) as bridge:
            with suppress(KeyboardInterrupt, Terminated), ending_in_order():
                bridge.serve()
            if as_json:
                typer.echo(json.dumps(bridge.counts.by_name()))
            else:
                stdout().print(str(bridge.counts))
