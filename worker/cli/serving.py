"""The work of `pageline serve`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from infra.settings import Settings
from worker.cli.signals import Terminated, ending_in_order
from worker.cli.stacks import STATE, settings_from_environment
from worker.cli.terminal import stdout
from worker.http.serving import address_of, listening, serve
from worker.logs import set_up_logs
from worker.stack.address import find_stack


def serve_http(host: str | None, port: int | None, folder: Path | None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        SettingsError: the address cannot be listened on, or not without keys.
        InfraError: the stack does not answer.
    """
    settings = _settings(host, port, folder)
    set_up_logs(settings)
    with suppress(KeyboardInterrupt, Terminated), ending_in_order(), listening(settings) as link:
        stdout().print(f"serving {address_of(link)}")
        serve(settings, link)


def _settings(host: str | None, port: int | None, folder: Path | None) -> Settings:
    found = settings_from_environment() if folder is None else find_stack(folder / STATE)
    said = {"host": host, "port": port}
    changed = {name: value for name, value in said.items() if value is not None}
    return found.model_copy(update={"http": found.http.model_copy(update=changed)})
