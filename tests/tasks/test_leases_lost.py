"""Whoever is taken for dead in the middle of a step writes no end of the document."""

from __future__ import annotations

from typing import Any

import pytest
from desk import Desk

from infra.errors import Changed
from infra.status.states import DocumentState
from tasks import entry, finalize, split
from tasks.cancel import cancel
from tasks.context import Context
from tasks.queues import FINALIZE, PAGES
from tasks.sweep import sweep


def taken_over(desk: Desk, *, until: str | None = None) -> None:
    """Have the leases run out, and others do the work."""
    desk.long_ago()
    sweep(desk.tools)
    desk.work(until=until)


def test_a_late_splitter_ends_no_document_that_another_has_split(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> Any:
        monkeypatch.undo()
        taken_over(desk, until=PAGES)
        raise Changed("somebody has replaced it")

    desk.pdf()
    document = desk.ingest()
    monkeypatch.setattr(split, "_probe", slow)
    desk.step()
    assert desk.document(document).state is DocumentState.PROCESSING
    assert not desk.path(desk.folder(document).manifest).exists()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.manifest(document)["state"] == "succeeded"


def test_a_splitter_ends_no_document_that_was_cancelled_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> Any:
        cancel(desk.tools, desk.context.results, desk.folder(document))
        raise Changed("somebody has replaced it")

    desk.pdf()
    document = desk.ingest()
    monkeypatch.setattr(split, "_probe", slow)
    desk.work()
    assert desk.document(document).state is DocumentState.CANCELLED
    assert desk.manifest(document)["state"] == "cancelled"


def test_a_late_finalizer_leaves_the_end_to_the_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        found = finalize._write_outputs(*given, **named)
        desk.long_ago()
        sweep(desk.tools)
        return found

    desk.pdf()
    document = desk.ingest()
    desk.work(until=FINALIZE)
    monkeypatch.setattr(finalize, "_write_outputs", slow)
    desk.step()
    assert not desk.path(desk.folder(document).manifest).exists()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


@pytest.mark.parametrize("name", ["ingest", "deliver"])
def test_tasks_without_a_lease_are_watched_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    watched: list[int] = []

    def run(context: Context, *_: object) -> None:
        watched.append(len(context.heart._holds))

    monkeypatch.setattr(f"tasks.{name}.{name}", run)
    desk.pdf()
    if name == "ingest":
        entry.ingest(desk.ref().content())
    else:
        entry.deliver()
    assert watched == [1]
