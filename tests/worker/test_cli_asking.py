"""`pageline status` against a queue in which documents have been put by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import load_settings
from infra.status import DocumentStatus, Heartbeat, Store, open_store
from infra.status.states import DocumentState
from worker.cli.asking import pace
from worker.stack.address import published
from worker.stack.valkey import start_valkey


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stack without workers, in which three documents are known."""
    folder = tmp_path_factory.mktemp("stack")
    state = folder / ".pageline"
    with start_valkey(state / "valkey") as valkey:
        settings = load_settings({"broker_url": valkey.broker_url, "results": str(folder / "results")})
        store = open_store(settings)
        put(store, folder, "good.pdf", DocumentState.SUCCEEDED, pages="2", done="2")
        put(store, folder, "bad [x].pdf", DocumentState.REJECTED, reason="The file is empty.")
        with published(state, settings):
            yield folder
        store.close()


def put(store: Store, folder: Path, name: str, state: DocumentState, **fields: str) -> None:
    source = (folder / "inbox" / name).as_uri()
    places = {"tenant": "default", "priority": "normal", "source": source, "folder": f"{name}/1d"}
    store.status.open(f"id-{name.split(maxsplit=1)[0]}", places | fields, state=state)


def status(folder: Path | None, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    where = [] if folder is None else ["--dir", str(folder)]
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "status", *where, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


def test_the_latest_documents_are_listed_with_their_ids(stack: Path) -> None:
    shown = status(stack)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[1].split() == ["id-bad", "inbox/bad", "[x].pdf", "rejected", "The", "file", "is", "empty."]
    assert lines[2].split() == ["id-good.pdf", "inbox/good.pdf", "succeeded", "2"]
    assert lines[3] == "2 documents: 1 rejected, 1 succeeded; 2 pages read"
    assert lines[4] == "workers: none"


def test_one_document_is_told_in_full(stack: Path) -> None:
    shown = status(stack, "id-bad")
    assert shown.returncode == 3
    assert shown.stdout.splitlines() == [
        "document: inbox/bad [x].pdf",
        "id:       id-bad",
        "state:    rejected",
        "reason:   The file is empty.",
        f"results:  {stack}/results/bad [x].pdf/1d",
    ]
    assert status(stack, "id-good.pdf").returncode == 0


def test_json_is_for_programs(stack: Path) -> None:
    one = json.loads(status(stack, "id-good.pdf", "--json").stdout)
    assert one["state"] == "succeeded"
    assert one["pages"] == one["done"] == 2
    assert one["failed_pages"] == []
    assert one["results"] == f"{stack}/results/good.pdf/1d"
    many = json.loads(status(stack, "--json").stdout)
    assert [document["id"] for document in many] == ["id-bad", "id-good.pdf"]


def test_watching_ends_when_everything_is_over(stack: Path) -> None:
    shown = status(stack, "--watch")
    assert shown.returncode == 0, shown.stderr
    assert "inbox/good.pdf: succeeded, pages 2" in shown.stderr.splitlines()


def test_a_document_nobody_knows_is_an_error(stack: Path) -> None:
    shown = status(stack, "nonsense")
    assert shown.returncode == 1
    assert shown.stderr.startswith("pageline: no document nonsense is known here")


def test_without_a_folder_the_environment_names_the_stack(stack: Path) -> None:
    settings = json.loads((stack / ".pageline" / "stack.json").read_text())
    named = {f"PAGELINE_{name.upper()}": settings[name] for name in ("broker_url", "results")}
    assert status(None, "id-good.pdf", **named).returncode == 0


def test_a_folder_without_a_stack_is_an_error(tmp_path: Path) -> None:
    shown = status(tmp_path)
    assert shown.returncode == 1
    assert shown.stderr == f"pageline: no stack is running in {tmp_path}; start one with `pageline up`\n"


def test_a_stack_that_was_killed_does_not_answer(tmp_path: Path) -> None:
    settings = load_settings(
        {"broker_url": f"redis+socket://{tmp_path}/gone", "results": str(tmp_path / "r")}
    )
    (tmp_path / ".pageline").mkdir()
    with published(tmp_path / ".pageline", settings):
        shown = status(tmp_path)
    assert shown.returncode == 1
    assert len(shown.stderr.splitlines()) == 1
    assert "Traceback" not in shown.stderr


def test_a_status_of_no_stack_in_particular_says_how_to_name_one() -> None:
    shown = status(None)
    assert shown.returncode == 2
    assert "--dir" in shown.stderr
    assert "PAGELINE_RESULTS" in shown.stderr


def test_the_pace_tells_who_reads_and_how_long_it_takes() -> None:
    facts = {"id": "1d", "state": DocumentState.PROCESSING, "generation": 1, "tenant": "default"}
    facts |= {
        "priority": "normal",
        "device": None,
        "source": "file:///a",
        "folder": "a/1d",
        "megapixels": 1.0,
    }
    facts |= {"created": 0.0, "updated": 0.0, "finished": None, "reason": None}
    document = DocumentStatus(**facts, pages=50, done=10, failed=0)  # type: ignore[arg-type]  # plain words

    def beat(kind: str, speed: float | None) -> Heartbeat:
        facts = {"name": kind, "host": "h", "pid": 1, "device": kind, "kind": kind, "state": "busy"}
        return Heartbeat(**facts, started=0, pages_per_second=speed)  # type: ignore[arg-type]  # plain words

    assert pace([beat("control", None)], [document]) == "no worker is reading"
    assert pace([beat("cpu", None)], [document]) == "1 worker"
    assert pace([beat("cpu", 2.0), beat("gpu", 6.0)], [document]) == "2 workers, 8.0 pages/s, about 5 s left"
