"""`pageline run` as a process: the real queue, real workers, real files."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from command_line import (
    command,
    document,
    environment,
    heed_interrupts,
    pageline,
    picture,
    processes_of,
)
from crew import wait_for

PAGES = 40  # enough that a signal comes while there is work left


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = pageline(folder, "run", *arguments)
    assert processes_of(folder) == []
    assert list((folder / "tmp").glob("pageline-*/*")) == []
    return done


def broken_off(folder: Path, *arguments: str, once: str, number: signal.Signals) -> int:
    """Start a run, send it a signal once a result of that name is there, and return its exit status."""
    with subprocess.Popen(
        command("run", *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment(folder),
        preexec_fn=heed_interrupts,  # noqa: PLW1509  -- this process has no threads that hold locks then
    ) as process:
        wait_for(
            lambda: process.poll() is not None or list((folder / "pageline-results").glob(f"*/*/{once}"))
        )
        assert process.poll() is None
        process.send_signal(number)
    return process.returncode


def only(paths: Sequence[Path]) -> Path:
    assert len(paths) == 1, paths
    return paths[0]


def test_words_on_a_picture_end_up_in_a_text_file(tmp_path: Path) -> None:
    picture(tmp_path / "sign.png")
    for name in ("worker", "tasks", "infra", "pipelines", "celery"):  # files here must shadow nothing
        (tmp_path / f"{name}.py").write_text("raise SystemExit('it was imported')")
    done = run(tmp_path, "sign.png")
    assert done.returncode == 0, done.stderr
    folder = only(list((tmp_path / "pageline-results" / "sign.png").glob("*/")))
    assert (folder / "document.txt").read_text().split("\n")[0] == "Pageline 2026"
    assert (folder / "pages" / "00001_ocr_res_img.jpg").stat().st_size > 0
    lines = done.stdout.splitlines()
    assert lines[0] == "sign.png: succeeded"
    assert f"    {folder.relative_to(tmp_path)}/document.txt" in lines
    assert f"    {folder.relative_to(tmp_path)}/document.json" in lines
    assert lines[-1].startswith("1 document: 1 succeeded; 1 page read in ")
    assert lines[-1].endswith("; results in pageline-results")


def test_good_and_bad_documents_and_a_second_run_that_reads_only_what_is_new(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    document(tmp_path / "in" / "deep" / "three.pdf", pages=3)
    document(tmp_path / "in" / "two.tiff", pages=2)
    (tmp_path / "in" / "empty.pdf").touch()
    (tmp_path / "in" / "notes.txt").write_text("words, but not a document")
    (tmp_path / "in" / ".hidden.png").touch()
    arguments = ("in", "--results", "in/out", "--engine", "fake", "--json", "--workers", "2")

    first = run(tmp_path, *arguments)
    assert first.returncode == 3, first.stderr
    told = json.loads(first.stdout)
    assert told["complete"] is False
    assert told["results"] == str(tmp_path / "in" / "out")
    states = {Path(one["path"]).name: (one["state"], one["pages"]) for one in told["documents"]}
    assert states == {
        "a.png": ("succeeded", 1),
        "three.pdf": ("succeeded", 3),
        "two.tiff": ("succeeded", 2),
        "empty.pdf": ("rejected", None),
    }
    for one in told["documents"]:
        assert Path(one["manifest"]).is_file()
        assert bool(one["reason"]) == (one["state"] == "rejected")
        assert Path(one["folder"]).is_relative_to(tmp_path / "in" / "out")
    assert "in/deep/three.pdf: succeeded, pages 3" in first.stderr.splitlines()
    assert "notes.txt is passed over: it is neither a PDF nor a picture" in first.stderr.splitlines()

    picture(tmp_path / "in" / "a.png", "other words")
    second = run(tmp_path, *arguments)
    assert second.returncode == 3
    before, after = (
        {one["path"]: one for one in json.loads(done.stdout)["documents"]} for done in (first, second)
    )
    assert {one.pop("read_before") for one in before.values()} == {False}
    assert {path for path, one in after.items() if not one.pop("read_before")} == {
        str(tmp_path / "in" / "a.png")
    }
    changed = str(tmp_path / "in" / "a.png")
    assert after.pop(changed)["id"] != before.pop(changed)["id"]
    assert after == before

    other = run(tmp_path, *arguments, "--pipeline", "OCR-v4")
    ids = {one["path"]: one["id"] for one in json.loads(other.stdout)["documents"]}
    assert all(ids[path] != one["id"] for path, one in before.items()), "another pipeline reads again"


def test_results_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "out").touch()
    done = run(tmp_path, "a.png", "--results", "out/deeper", "--engine", "fake")
    assert done.returncode == 1
    assert done.stderr.startswith("pageline: results cannot be written to")


def test_a_pipeline_that_cannot_be_is_found_out_before_anything_starts(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    done = run(tmp_path, "a.png", "--pipeline", "nonsense")
    assert done.returncode == 1
    assert "nonsense" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_that_is_broken_off_leaves_no_process_and_goes_on_the_next_time(tmp_path: Path) -> None:
    document(tmp_path / "long.pdf", pages=PAGES)
    arguments = ("long.pdf", "--engine", "fake", "--json")
    assert broken_off(tmp_path, *arguments, once="pages/00002.json", number=signal.SIGINT) == 130
    assert processes_of(tmp_path) == []
    pages = only(list((tmp_path / "pageline-results").glob("*/*/pages")))
    before = {path: path.stat().st_mtime_ns for path in pages.glob("*.json")}
    assert len(before) < PAGES

    done = run(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"][0]["pages_done"] == PAGES
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_run_that_is_killed_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    document(tmp_path / "long.pdf", pages=PAGES)
    broken_off(tmp_path, "long.pdf", "--engine", "fake", once="request.json", number=signal.SIGKILL)
    assert processes_of(tmp_path) != []
    done = run(tmp_path, "long.pdf", "--engine", "fake", "--json")  # it asserts that no process is left
    assert done.returncode == 0, done.stderr
