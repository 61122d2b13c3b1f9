"""The work of `pageline top`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.errors import BrokerUnavailable
from infra.status import DocumentStatus
from infra.telemetry.meter import SEPARATOR
from tasks.census import Census, take_census
from tasks.context import Tools
from tasks.queues import CONTROL
from worker.cli.crew import STYLES as HEALTH_STYLES
from worker.cli.crew import doing
from worker.cli.stacks import chosen_stack, view_of
from worker.cli.terminal import printable, stdout
from worker.cli.view import STYLES, duration, plural
from worker.sending import tools_for

_DOCUMENTS = 10  # shown of those under way, those first that had progress last
_ERRORS = 8


@dataclass(frozen=True, slots=True)
class Overview:
    """What one look found, and the one before it, for what has changed since."""

    census: Census
    documents: list[DocumentStatus]
    before: Census | None = None

    def since(self, field: str) -> float:
        """Return by how much a counter has risen since the look before."""
        earlier = self.before.counted.get(field, 0.0) if self.before is not None else 0.0
        return self.census.counted.get(field, 0.0) - earlier

    def pages_per_second(self) -> float:
        """Return pages settled a second since the look before; without one, what workers measure."""
        if self.before is None:
            return sum(beat.pages_per_second or 0.0 for beat in self.census.workers if beat.state == "busy")
        settled = sum(self.since(f"pages_total{SEPARATOR}{state}") for state in ("done", "failed"))
        return settled / max(0.001, self.census.at - self.before.at)


def show_overview(folder: Path | None, *, once: bool, interval: float) -> None:
    """Show the fleet until Ctrl-C, or once. Raises `InfraError` when the stack cannot be asked."""
    with chosen_stack(folder) as (settings, store), tools_for(settings, store) as tools:
        if once or not stdout().is_terminal:
            stdout().print(picture(_look(tools, None)))
            return
        with suppress(KeyboardInterrupt), Live(console=stdout(), screen=True, auto_refresh=False) as live:
            for shown in _pictures(tools, interval):
                live.update(shown, refresh=True)


def _pictures(tools: Tools, interval: float) -> Iterator[Group]:
    """Yield a picture of every look; while Redis does not answer, the last one stays and says so."""
    found: Overview | None = None
    while True:
        try:
            found = _look(tools, found.census if found is not None else None)
            yield picture(found)
        except BrokerUnavailable as error:
            yield Group(Text(printable(str(error)), style="bold red"), *([picture(found)] if found else []))
        time.sleep(interval)


def _look(tools: Tools, before: Census | None) -> Overview:
    census = take_census(tools)
    latest = tools.store.listing.active(1000)[-_DOCUMENTS:]
    documents = tools.store.listing.documents(reversed(latest))
    return Overview(census, documents, before)


def picture(found: Overview) -> Group:
    """Return the whole screen."""
    parts: list[RenderableType] = [_head(found), "", _workers(found.census), "", _queues(found.census)]
    if found.documents:
        parts += ["", _documents(found)]
    if any(field.startswith("errors_total") for field in found.census.counted):
        parts += ["", _errors(found)]
    return Group(*parts)


def _head(found: Overview) -> Text:
    census = found.census
    letters = census.letters
    words = [
        f"{plural(census.active, 'document')} under way",
        f"{found.pages_per_second():.2f} pages/s",
        f"{plural(census.pages, 'page')} in hand",
        f"Redis {census.broker.memory / 2**20:,.0f} MiB, {census.broker.ping_seconds * 1000:.1f} ms",
    ]
    if letters.due or letters.later:
        words.append(f"{plural(letters.due + letters.later, 'message')} to deliver")
    head = Text(" · ".join(words), style="bold")
    if letters.dead:
        head.append(f" · {letters.dead} dead", style="bold red")
    return head


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        right = column in {"pages/s", "MiB", "messages", "megapixels", "drained in", "count", "new"}
        table.add_column(column, no_wrap=True, justify="right" if right else "left")
    return table


def _workers(census: Census) -> Table:
    table = _table("worker", "device", "health", "pages/s", "MiB")
    table.add_column("doing", overflow="fold")
    for beat in census.workers:
        health = beat.health(census.at)
        table.add_row(
            Text(beat.name),
            Text(" ".join(filter(None, (beat.device, beat.engine, beat.precision)))),
            Text(health, style=HEALTH_STYLES[health]),
            "" if beat.pages_per_second is None else f"{beat.pages_per_second:.2f}",
            "" if beat.memory_mb is None else f"{beat.memory_mb:.0f}",
            Text(doing(beat, census.at)),
        )
    if not census.workers:
        table.add_row(Text("no workers", style="bold red"))
    return table


def _queues(census: Census) -> Table:
    table = _table("queue", "messages", "megapixels", "drained in")
    steps = ", ".join(f"{count} for {step}" for step, count in sorted(census.lines.items()) if count)
    table.add_row(CONTROL, f"{census.queues.get(CONTROL, 0)}", "", "")
    for one in census.demands:
        prefix = f"ocr.{one.kind}"
        waiting = sum(count for queue, count in census.queues.items() if queue.startswith(prefix))
        size = one.waiting + one.held
        drain = "never" if one.drain_seconds is None and size else duration(one.drain_seconds or 0.0)
        table.add_row(
            prefix, f"{waiting}", f"{size:,.1f}", Text(drain, style="red" if drain == "never" else "")
        )
    if steps:
        table.caption, table.caption_justify = f"in line: {steps}", "left"
    return table


def _documents(found: Overview) -> Table:
    table = _table("document", "state", "pages")
    for status in found.documents:
        view = view_of(status)
        table.add_row(Text(view.name), Text(view.state, style=STYLES.get(view.state, "")), view.page_count())
    rest = found.census.active - len(found.documents)
    if rest > 0:
        table.caption, table.caption_justify = f"and {rest:,} more", "left"
    return table


def _errors(found: Overview) -> Table:
    counted = {
        field: count for field, count in found.census.counted.items() if field.startswith("errors_total")
    }
    table = _table("errors in", "kind", "count", "new")
    for field, count in sorted(counted.items(), key=lambda item: -item[1])[:_ERRORS]:
        _, step, reason = (*field.split(SEPARATOR), "", "")[:3]
        new = found.since(field) if found.before is not None else 0.0
        table.add_row(step, Text(reason), f"{count:,.0f}", Text(f"{new:,.0f}" if new else "", style="red"))
    return table
