"""The work of `pageline doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import typer
from rich.text import Text

from infra.errors import SettingsError
from infra.settings import Settings
from infra.status import open_store
from worker.checkup.broker import check_broker
from worker.checkup.finding import Finding, Grade, looked, problem
from worker.checkup.fleet import check_fleet
from worker.checkup.host import check_host, check_page, check_reading
from worker.checkup.storage import check_results, check_sources, check_uploads
from worker.cli.stacks import STATE, settings_from_environment
from worker.cli.terminal import stdout
from worker.stack.address import find_stack

_MARKS = {
    Grade.GOOD: ("ok", "green"),
    Grade.UNKNOWN: ("?", "dim"),
    Grade.WARNING: ("warning", "yellow"),
    Grade.PROBLEM: ("problem", "bold red"),
}
_WIDTH = max(len(mark) for mark, _ in _MARKS.values())
_BROKER = "start the server, or let PAGELINE_BROKER_URL name it, its user and its password"
_STORAGE = "let the credentials list, read, write and delete there, and let PAGELINE_S3__* name the server"
_HOST = "let this user write there, or let PAGELINE_WORK_DIR name another folder"


def examine(folder: Path | None, device: str, *, read: bool, as_json: bool) -> bool:
    """Look at everything and print what was found; False where there is a problem."""
    findings = []
    for finding in _findings(folder, device, read=read):
        findings.append(finding)
        if not as_json:
            _print(finding)
    healthy = all(finding.grade is not Grade.PROBLEM for finding in findings)
    if as_json:
        typer.echo(json.dumps({"healthy": healthy, "findings": [asdict(one) for one in findings]}, indent=2))
    return healthy


def _findings(folder: Path | None, device: str, *, read: bool) -> Iterator[Finding]:
    try:
        settings = settings_from_environment() if folder is None else find_stack(folder / STATE)
    except SettingsError as error:  # results inside a source, among others
        yield problem("settings", str(error), "docs/settings.md tells of each")
        return
    yield from _of_fleet(settings)
    yield from looked("results", lambda: check_results(settings), _STORAGE)
    yield from looked("uploads", lambda: check_uploads(settings), _STORAGE)
    yield from check_sources(settings)
    yield from looked("this host", lambda: check_host(settings), _HOST)
    yield from looked("reading", lambda: check_reading(settings, device), "see docs/devices.md")
    if read:
        yield from looked("known page", lambda: check_page(settings, device), "see docs/devices.md")


def _of_fleet(settings: Settings) -> Iterator[Finding]:
    with closing(open_store(settings)) as store:
        broker = list(looked("broker", lambda: check_broker(store), _BROKER))
        yield from broker
        if all(finding.grade is not Grade.PROBLEM for finding in broker):
            yield from looked("workers", lambda: check_fleet(store, settings.queue.sweep_seconds), _BROKER)


def _print(finding: Finding) -> None:
    mark, style = _MARKS[finding.grade]
    stdout().print(Text.assemble((f"{mark:<{_WIDTH}}", style), f"  {finding.about}: {finding.said}"))
    if finding.todo:
        stdout().print(Text(f"{'':<{_WIDTH}}  → {finding.todo}", style="dim"))
