"""Retention and another pipeline in real workers: a rhythm of the control worker, a switch of the other."""

from __future__ import annotations

from pathlib import Path

from crew import site, wait_for, write_pdf

from infra.status.states import DocumentState
from worker.stack.valkey import ValkeyHandle


def test_workers_read_with_the_pipeline_that_is_asked_for_and_retain_what_was_read(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    values = {
        "pipeline": {"engine": "fake", "others": ["OCR-v4"]},
        "retention": {"sources": f"move:{tmp_path}/archive", "seconds": 0.2},
    }
    with site(tmp_path / "site", valkey.broker_url, "retain:", **values) as here:
        for device in ("control", "cpu"):
            here.start(device)
        here.ready(control=1, cpu=1)
        for name in ("a.pdf", "b.pdf"):
            write_pdf(here.inbox / name, 2)
        here.announce("a.pdf", pipeline="OCR-v4", pages="2")
        here.announce("b.pdf", retention="keep")
        found = {Path(one.source).name: one for one in here.ended(2)}
        assert {one.state for one in found.values()} == {DocumentState.SUCCEEDED}
        manifests = {name: here.manifest(one) for name, one in found.items()}
        assert {name: one["pipeline"]["name"] for name, one in manifests.items()} == {
            "a.pdf": "OCR-v4",
            "b.pdf": "OCR",
        }
        assert [page["number"] for page in manifests["a.pdf"]["pages"]] == [2]
        moved = tmp_path / "archive" / "a.pdf"
        wait_for(lambda: here.manifest(found["a.pdf"])["retention"], "the note of what became of the source")
        assert here.manifest(found["a.pdf"])["retention"] == {
            "source": "moved",
            "moved_to": moved.as_uri(),
            "expired": None,
        }
        assert moved.exists()
        assert not (here.inbox / "a.pdf").exists()
        assert (here.inbox / "b.pdf").exists()
