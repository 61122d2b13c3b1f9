from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from worker.cli.outcome import Outcome, as_json, outcome, print_summary
from worker.cli.terminal import console_for
from worker.cli.view import DocumentView


def results_of(folder: Path, pages: list[dict[str, object]], text: str | None = "words") -> Path:
    folder.mkdir(parents=True)
    outputs = [] if text is None else [{"name": "document.txt"}]
    (folder / "document.json").write_text(json.dumps({"pages": pages, "outputs": outputs}))
    if text is not None:
        (folder / "document.txt").write_text(text)
    return folder


def page(number: int, reason: str | None = None) -> dict[str, object]:
    return {"number": number, "state": "done" if reason is None else "failed", "reason": reason}


def partial(tmp_path: Path, failures: int = 1) -> Outcome:
    pages = [page(1), *(page(number, f"reason {number}") for number in range(2, failures + 2))]
    view = DocumentView("a.pdf", "1d", "partial", pages=failures + 1, done=1, failed=failures)
    return outcome(view, tmp_path / "a.pdf", results_of(tmp_path / "out" / "1d", pages))


def summary(*outcomes: Outcome, results: Path = Path("/out")) -> str:
    file = io.StringIO()
    print_summary(console_for(file=file, width=60), outcomes, results, 1.25)
    return file.getvalue()


def test_the_summary_names_the_text_the_manifest_and_the_failed_pages(tmp_path: Path) -> None:
    shown = summary(partial(tmp_path))
    assert shown.splitlines() == [
        "a.pdf: partial",
        "    page 2: reason 2",
        f"    {tmp_path}/out/1d/document.txt",
        f"    {tmp_path}/out/1d/document.json",
        "",
        "1 document: 1 partial; 1 page read, 1 failed in 1.2 s; results in /out",
    ]


def test_a_document_that_was_read_before_this_run_says_so(tmp_path: Path) -> None:
    view = DocumentView("a.pdf", "1d", "succeeded", pages=1, done=1)
    folder = results_of(tmp_path / "1d", [page(1)])
    written = (folder / "document.json").stat().st_mtime
    earlier = outcome(view, tmp_path / "a.pdf", folder, since=written + 1)
    now = outcome(view, tmp_path / "a.pdf", folder, since=written - 1)
    assert summary(earlier).startswith("a.pdf: succeeded, as read before\n")
    assert summary(now).startswith("a.pdf: succeeded\n")
    told = as_json([earlier, now], tmp_path, 1.0)
    assert [one["read_before"] for one in told["documents"]] == [True, False]


def test_many_failed_pages_are_named_in_part(tmp_path: Path) -> None:
    shown = summary(partial(tmp_path, failures=8))
    assert shown.count("    page ") == 5
    assert "and 3 more pages, listed in document.json" in shown


def test_paths_below_the_working_directory_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "    out/1d/document.txt\n" in summary(partial(tmp_path))


def test_a_document_without_results_has_its_reason_alone(tmp_path: Path) -> None:
    view = DocumentView("bad.pdf", "1d", "rejected", reason="It is empty.")
    one = outcome(view, tmp_path / "bad.pdf", tmp_path / "nothing")
    assert one.folder is None
    assert not one.earlier
    assert not one.complete
    assert summary(one).splitlines()[:2] == ["bad.pdf: rejected", "    It is empty."]


def test_the_json_object_says_the_same_to_a_program(tmp_path: Path) -> None:
    document = as_json([partial(tmp_path)], Path("/out"), 1.23456)
    assert document == {
        "complete": False,
        "results": "/out",
        "seconds": 1.235,
        "documents": [
            {
                "path": str(tmp_path / "a.pdf"),
                "id": "1d",
                "state": "partial",
                "read_before": False,
                "reason": None,
                "pages": 2,
                "pages_done": 1,
                "pages_failed": 1,
                "failed_pages": [{"number": 2, "reason": "reason 2"}],
                "folder": str(tmp_path / "out/1d"),
                "text": str(tmp_path / "out/1d/document.txt"),
                "outputs": [str(tmp_path / "out/1d/document.txt")],
                "manifest": str(tmp_path / "out/1d/document.json"),
            }
        ],
    }
    json.dumps(document)


def test_complete_means_that_every_document_succeeded(tmp_path: Path) -> None:
    view = DocumentView("b.png", "2d", "succeeded", pages=1, done=1)
    good = outcome(view, tmp_path / "b.png", results_of(tmp_path / "2d", [page(1)]))
    assert as_json([good], Path("/out"), 0)["complete"] is True
    assert as_json([good, partial(tmp_path)], Path("/out"), 0)["complete"] is False
