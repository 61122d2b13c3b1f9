from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from worker.cli import progress
from worker.cli.progress import LiveTable, PlainLines, document_table, line_about, progress_on
from worker.cli.terminal import console_for, printable
from worker.cli.view import DocumentView


def plain(**more: object) -> Console:
    return console_for(file=io.StringIO(), width=100, **more)


def text_of(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def doc(
    state: str, *, name: str = "a.pdf", pages: int | None = None, done: int = 0, reason: str | None = None
) -> DocumentView:
    return DocumentView(name=name, id=f"id-{name}", state=state, pages=pages, done=done, reason=reason)


def test_a_pipe_gets_one_line_per_document_that_ends() -> None:
    console = plain()
    lines = PlainLines(console)
    lines.say("starting")
    for state in ("waiting", "splitting", "processing", "succeeded", "succeeded"):
        lines.show([doc(state, pages=2, done=2), doc("waiting", name="b.pdf")])
    assert text_of(console).splitlines() == ["starting", "a.pdf: succeeded, pages 2"]


def test_a_document_that_was_over_when_first_seen_is_told_too() -> None:
    console = plain()
    PlainLines(console).show([doc("rejected", reason="It is empty.")])
    assert text_of(console) == "a.pdf: rejected: It is empty.\n"


def test_a_long_document_is_heard_of_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: clock[0])
    console = plain()
    lines = PlainLines(console)
    for done in range(1, 31):
        clock[0] += 1
        lines.show([doc("processing", pages=100, done=done)])
    assert text_of(console).splitlines() == [
        "a.pdf: processing, pages 11/100",
        "a.pdf: processing, pages 21/100",
    ]


def test_names_with_brackets_and_codes_are_shown_as_they_are() -> None:
    console = plain()
    PlainLines(console).show([doc("succeeded", name="[bold]x[/bold]:smile:.pdf", pages=1, done=1)])
    assert text_of(console) == "[bold]x[/bold]:smile:.pdf: succeeded, pages 1\n"
    table = plain()
    table.print(document_table([doc("succeeded", name="[red]x.pdf")], room=5))
    assert "[red]x.pdf" in text_of(table)


def test_a_table_says_how_many_documents_it_leaves_out() -> None:
    console = plain()
    console.print(document_table([doc("waiting", name=f"{number}.pdf") for number in range(9)], room=3))
    lines = [line.strip() for line in text_of(console).splitlines()]
    assert [line.split()[0] for line in lines[1:4]] == ["0.pdf", "1.pdf", "2.pdf"]
    assert lines[4] == "and 6 more"


def test_a_terminal_too_low_for_the_frame_still_shows_a_document() -> None:
    console = plain()
    console.print(document_table([doc("waiting"), doc("waiting", name="b.pdf")], room=-2))
    assert "and 1 more" in text_of(console)


def test_a_terminal_gets_the_table_and_keeps_its_last_state() -> None:
    console = plain(force_terminal=True, height=20)
    with LiveTable(console) as live:
        live.say("starting the queue")
        live.show([doc("processing", pages=4, done=1)])
        live.show([doc("succeeded", pages=4, done=4)])
    last = text_of(console).rsplit("document ", 1)[-1]
    assert "succeeded" in last
    assert "1 document: 1 succeeded; 4 pages read" in last
    assert "starting the queue" not in last


def test_the_kind_of_progress_follows_the_console() -> None:
    assert isinstance(progress_on(plain(force_terminal=True)), LiveTable)
    assert isinstance(progress_on(plain(force_terminal=False)), PlainLines)


def test_a_line_without_pages_or_reason_has_neither() -> None:
    assert line_about(doc("cancelled")) == "a.pdf: cancelled"


def test_a_name_cannot_play_with_the_terminal() -> None:
    assert printable("a\nb\x1b[31m.pdf") == r"a\nb\x1b[31m.pdf"
    assert printable(os.fsdecode(b"\xff.pdf")) == r"\xff.pdf"
    assert printable("\u6f22\u5b57 [x].pdf") == "\u6f22\u5b57 [x].pdf"


def test_a_document_at_work_has_a_bar() -> None:
    console = plain()
    console.print(
        document_table([doc("processing", pages=4, done=2), doc("succeeded", name="b.pdf")], room=5)
    )
    going, over = (line.rstrip() for line in text_of(console).splitlines()[1:3])
    assert "━" in going
    assert "━" not in over
