"""`pageline models rollout` and `pageline export-samples`, on a fleet of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from crew import Site, site, write_pdf
from pdfs import letter, text_pdf
from typer.testing import CliRunner, Result

from infra.storage.directory import DirectoryStorage
from pipelines.config.loading import config_text
from pipelines.textlayer.similarity import distance
from tasks.places import Folder
from tasks.rollout import Comparison, PageOfBoth, compare, falls_to
from worker.cli.app import app
from worker.cli.errors import CommandError, UsageError
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A pipeline that cuts its lines out otherwise, so that the made-up engine reads other words."""
    config = yaml.safe_load(config_text("OCR"))
    config["SubModules"]["TextDetection"]["unclip_ratio"] = 2.5
    path = tmp_path / "tuned.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def fleet(tmp_path: Path, valkey: ValkeyHandle, other: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    pipeline = {"engine": "fake", "others": [str(other)]}
    with site(tmp_path / "fleet", valkey.broker_url, f"{tmp_path.name}:", pipeline=pipeline) as made:
        for name, value in made.settings.environment().items():
            monkeypatch.setenv(name, value)
        yield made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_share_goes_through_another_pipeline_and_the_difference_is_told(
    fleet: Site, other: Path, tmp_path: Path
) -> None:
    fleet.start("control")
    fleet.start("cpu")
    write_pdf(fleet.inbox / "a.pdf", 2)
    fleet.announce("a.pdf")
    (first,) = fleet.ended()
    latest = fleet.results(first).parent / "latest.json"
    before = latest.read_bytes()

    told = json.loads(run("models", "rollout", str(other), "--share", "1", "--json").stdout)
    assert told["pipelines"] == ["OCR", str(other)]
    assert (told["trials"], told["documents"], told["pages"]) == (1, 1, 2)
    assert told["cer"] > 0
    assert told["lines"] == [2, 2]
    assert all(seconds > 0 for seconds in told["seconds_per_page"])
    assert told["mean_score"] == [0.9, 0.9]
    assert {page["document"] for page in told["most_different"]} == {first.id}
    assert latest.read_bytes() == before  # a trial is nobody's newest

    again = run("models", "rollout", str(other), "--share", "1")
    assert "of the characters differ" in again.stdout
    assert "4 lines on 2 pages of 1 documents were compared" in " ".join(again.stdout.split())
    assert f"PAGELINE_PIPELINE__NAME={other}" in again.stdout
    assert len(fleet.documents()) == 2  # the same trial, not another

    target = tmp_path / "samples"
    assert (
        "2 lines of 2 pages"
        in run("export-samples", str(target), "--below", "0.95", "--document", first.id).stdout
    )
    more = run("export-samples", str(target), "--below", "0.95", "--document", first.id)
    assert "0 lines of 0 pages (2 more were there already)" in " ".join(more.stdout.split())
    assert len((target / "rec_gt.txt").read_text().splitlines()) == 2


def test_what_comes_from_the_pdf_itself_shows_no_difference_and_is_said_so(fleet: Site, other: Path) -> None:
    fleet.start("control")
    fleet.start("cpu")
    (fleet.inbox / "born.pdf").write_bytes(text_pdf(letter()))
    fleet.announce("born.pdf", text_layer="trust")
    fleet.ended()

    told = json.loads(run("models", "rollout", str(other), "--share", "1", "--json").stdout)
    assert (told["pages"], told["pages_of_pdf_text_only"], told["cer"]) == (0, 1, None)
    said = " ".join(run("models", "rollout", str(other), "--share", "1").stdout.split())
    assert "nothing could be compared" in said
    assert "1 pages were left out: their lines are the PDFs' own text" in said
    assert "to switch" not in said


def test_only_lines_that_both_had_to_read_are_compared(tmp_path: Path) -> None:
    def page(*lines: tuple[str, str, tuple[int, int, int, int]]) -> dict[str, Any]:
        return {
            "rec_texts": [text for _, text, _ in lines],
            "rec_scores": [1.0 if source == "pdf" else 0.5 for source, *_ in lines],
            "rec_boxes": [box for *_, box in lines],
            "text_source": [source for source, *_ in lines],
            "timings": {"total": 2.0, "read": 0.5},
        }

    first, second, third = ((10, top, 90, top + 10) for top in (10, 30, 50))
    own = page(("pdf", "Born digital", first), ("pdf", "Born too", second), ("ocr", "stamp", third))
    trial = page(("pdf", "Born digital", first), ("ocr", "Bom too", second), ("ocr", "stomp", third))
    for name, content in (("own", own), ("trial", trial)):
        path = tmp_path / Folder(name).page(1)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    found = Comparison()
    compare(DirectoryStorage(tmp_path), Folder("own"), Folder("trial"), [1], found)
    told = found.summary()
    assert (told["pages"], told["lines"], told["mean_score"]) == (1, [1, 1], [0.5, 0.5])
    assert told["cer"] == pytest.approx(1 / 5)


def test_what_cannot_be_rolled_out_is_said_so(fleet: Site, other: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PAGELINE_PIPELINE__OTHERS"):
        run("models", "rollout", "nowhere.yaml")
    with pytest.raises(UsageError, match="is what the fleet reads with"):
        run("models", "rollout", "OCR")
    with pytest.raises(CommandError, match="no document among"):
        run("models", "rollout", str(other))
    with pytest.raises(CommandError, match=r"below 0\.9"):
        run("export-samples", str(tmp_path / "samples"))
    with pytest.raises(UsageError, match="no document 1234 is known"):
        run("export-samples", str(tmp_path / "samples"), "--document", "1234")


def test_a_share_of_documents_is_the_same_each_time() -> None:
    ids = [f"{number:032x}" for number in range(2000)]
    chosen = [one for one in ids if falls_to(one, 0.1)]
    assert 140 < len(chosen) < 260
    assert chosen == [one for one in ids if falls_to(one, 0.1)]
    assert set(chosen) < {one for one in ids if falls_to(one, 0.3)}
    assert [falls_to(ids[0], 0), falls_to(ids[0], 1)] == [False, True]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("abcd" * 400, "abd" * 400, 400)],
)
def test_texts_are_as_far_apart_as_levenshtein_has_it(one: str, other: str, apart: int) -> None:
    assert distance(one, other) == distance(other, one) == apart


def test_a_comparison_counts_by_characters_and_names_the_worst_pages() -> None:
    pages = [
        PageOfBoth("a", number, letters, differing, ([0.9], [0.8]), (1.0, 2.0))
        for number, letters, differing in ((1, 100, 0), (2, 50, 10), (3, 50, 5), (4, 0, 0))
    ]
    found = Comparison(pages, unread=1)
    told = found.summary()
    assert (told["cer"], told["pages_alike"], told["pages_read_by_one_only"]) == (0.075, 2, 1)
    assert (told["mean_score"], told["seconds_per_page"]) == ([0.9, 0.8], [1.0, 2.0])
    assert [page.number for page in found.most_different(5)] == [2, 3]
