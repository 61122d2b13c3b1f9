"""What options ask for is what comes out: pages, outputs, pictures, another pipeline, a password."""

from __future__ import annotations

import io
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from desk import Counting, Desk
from flaky import Flaky
from PIL import Image

from infra.status.states import DocumentState, PageState
from pipelines import create_pipeline
from tasks import walk
from tasks.audit import audit_document
from tasks.context import storage_at
from tasks.queues import PAGES
from tasks.reopen import replay

_SECRET = "openpassword"


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    secrets = [f"file:{tmp_path}/secrets", "env:PAGELINE_TEST_PDF_"]
    return {"secrets": secrets, "pipeline": {"others": ["OCR-v4"]}}


def problems(desk: Desk) -> list[str]:
    """What an audit finds."""
    results = storage_at(desk.settings.results, desk.settings.s3)
    with ThreadPoolExecutor(1) as pool:
        entries = walk.documents(walk.result_keys(results, ""))
        found = [audit_document(results, entry, pool) for entry in entries]
    assert found
    return [problem.sentence for one in found for problem in one.problems]


def test_only_the_pages_that_are_asked_for_are_read(desk: Desk) -> None:
    desk.pdf(pages=9)
    document = desk.ingest(options={"pages": "2,4-5,9-"})
    desk.work()
    found = desk.document(document)
    assert (found.state, found.pages, found.done) == (DocumentState.SUCCEEDED, 4, 4)
    assert sorted(desk.pipeline.reads) == [2, 4, 5, 9]
    states = desk.store.listing.pages(document)
    assert [number for number, state in enumerate(states, 1) if state is PageState.SKIPPED] == [1, 3, 6, 7, 8]
    manifest = desk.manifest(document)
    assert [page["number"] for page in manifest["pages"]] == [2, 4, 5, 9]
    assert desk.path(desk.folder(document).text).read_text().count("\f") == 8
    assert problems(desk) == []


def test_of_pages_that_nobody_asked_for_not_even_a_failure_is_told(desk: Desk) -> None:
    path = desk.pdf(pages=9)
    document = desk.ingest(options={"pages": "1,9"})
    desk.work(until=PAGES)
    assert sorted(message[1][2:4] for message in desk.messages) == [[1, 3], [7, 9]]
    path.unlink()
    desk.work()
    assert [page["number"] for page in desk.manifest(document)["pages"]] == [1, 9]
    written = [path.name for path in desk.path(desk.folder(document).pages).glob("*.json")]
    assert sorted(written) == ["00001.json", "00009.json"]


def test_a_page_that_is_not_there_rejects_the_document(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest(options={"pages": "2,7"})
    desk.work()
    found = desk.document(document)
    assert found.state is DocumentState.REJECTED
    assert found.reason == "The option pages is wrong: The document has no page 7; it has 3"


def test_a_stretch_that_goes_beyond_the_end_ends_there(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest(options={"pages": "2-99"})
    desk.work()
    assert [page["number"] for page in desk.manifest(document)["pages"]] == [2, 3]


def test_a_document_read_in_part_is_rebuilt_and_replayed_as_it_was_asked_for(desk: Desk) -> None:
    desk.pdf(pages=6)
    document = desk.ingest(options={"pages": "2,5"})
    desk.work(until=PAGES)
    desk.lose()
    desk.recover()
    desk.path(desk.folder(document).page(5)).unlink()
    replay(desk.tools, desk.context.results, desk.folder(document), [5])
    desk.recover()
    assert desk.pipeline.reads == {2: 1, 5: 2}
    assert [page["number"] for page in desk.manifest(document)["pages"]] == [2, 5]
    assert problems(desk) == []


def test_a_missing_page_of_those_asked_for_is_noticed(desk: Desk) -> None:
    desk.pdf(pages=4)
    document = desk.ingest(options={"pages": "1-3"})
    desk.work()
    path = desk.path(desk.folder(document).manifest)
    manifest = json.loads(path.read_bytes())
    del manifest["pages"][1]
    path.write_text(json.dumps(manifest))
    assert "document.json does not have every page once" in problems(desk)


def test_an_output_that_nobody_asked_for_is_not_made(desk: Desk) -> None:
    desk.pdf(pages=1)
    bare, whole = desk.ingest(options={"outputs": "json"}), desk.ingest()
    desk.work()
    assert bare != whole
    assert desk.manifest(bare)["outputs"] == []
    assert not desk.path(desk.folder(bare).text).exists()
    assert [output["name"] for output in desk.manifest(whole)["outputs"]] == ["document.txt"]
    assert problems(desk) == []


@pytest.mark.parametrize(("form", "pillow"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_pictures_have_the_form_and_size_that_is_asked_for(desk: Desk, form: str, pillow: str) -> None:
    desk.pdf(pages=1)
    asked = {"visualize": True, "visualize_format": form, "use_doc_unwarping": False}
    whole, half = desk.ingest(options=asked), desk.ingest(options={**asked, "visualize_scale": 0.5})
    desk.work()
    sizes = []
    for document in (whole, half):
        (picture,) = desk.manifest(document)["pages"][0]["pictures"]
        assert picture["name"] == f"00001_ocr_res_img.{form}"
        image = Image.open(io.BytesIO(desk.path(picture["key"]).read_bytes()))
        assert image.format == pillow
        sizes.append(image.size)
    assert sizes[1] == tuple(round(side / 2) for side in sizes[0])
    assert problems(desk) == []


def test_another_pipeline_is_made_once_and_reads_what_asks_for_it(desk: Desk) -> None:
    made: list[str] = []

    def make(name: str) -> Counting:
        made.append(name)
        return Counting(create_pipeline(name, engine="fake"))

    desk.context.open_pipeline = make
    desk.pdf(pages=2)
    own = desk.ingest()
    others = [desk.ingest(options={"pipeline": "OCR-v4", "dpi": dpi}) for dpi in (100, 110)]
    desk.work()
    assert made == ["OCR-v4"]
    assert desk.pipeline.reads == {1: 1, 2: 1}
    assert desk.manifest(own)["pipeline"]["name"] == "OCR"
    assert [desk.manifest(other)["pipeline"]["name"] for other in others] == ["OCR-v4", "OCR-v4"]
    assert len({own, *others}) == 3


def test_a_pipeline_that_cannot_be_made_ends_the_document_with_a_reason(desk: Desk) -> None:
    def make(name: str) -> Counting:
        raise OSError(f"no weights for {name}")

    desk.context.open_pipeline = make
    desk.pdf(pages=1)
    document = desk.ingest(options={"pipeline": "OCR-v4"})
    desk.work(until=PAGES)
    desk.step()
    assert not desk.messages  # it waits: a disk may have room again, a host be reached
    assert desk.document(document).state is DocumentState.PROCESSING


@pytest.fixture
def encrypted(desk: Desk, dev_data: Path) -> str:
    source = dev_data / "hostile" / "samplefile__libreoffice-writer-password.pdf"
    shutil.copyfile(source, desk.inbox / "a.pdf")
    return "a.pdf"


def test_a_password_is_looked_up_and_left_nowhere(
    desk: Desk, encrypted: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pdf").write_text(f"{_SECRET}\n")
    reference = f"file:{tmp_path}/secrets/pdf"
    document = desk.ingest(encrypted, options={"password_secret": reference})
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert document == desk.ingest(encrypted)  # the way to the password makes no other document
    stored = [path for path in Path(desk.path("")).rglob("*") if path.is_file()]
    assert not [path for path in stored if _SECRET.encode() in path.read_bytes()]
    assert [path.name for path in stored if reference.encode() in path.read_bytes()] == ["request.json"]
    assert _SECRET not in caplog.text
    assert reference not in caplog.text
    held = json.dumps([str(value) for value in desk.snapshot().values()])
    assert _SECRET not in held
    assert reference not in held


def test_a_wrong_password_rejects_and_a_missing_one_fails_the_document(
    desk: Desk, encrypted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGELINE_TEST_PDF_WRONG", "guess")
    monkeypatch.delenv("PAGELINE_TEST_PDF_NONE", raising=False)
    wrong = desk.ingest(encrypted, options={"password_secret": "env:PAGELINE_TEST_PDF_WRONG"})
    none = desk.ingest(encrypted, options={"password_secret": "env:PAGELINE_TEST_PDF_NONE", "dpi": 100})
    desk.work()
    assert desk.document(wrong).state is DocumentState.REJECTED
    assert "the password given does not open this PDF" in (desk.document(wrong).reason or "")
    found = desk.document(none)
    assert (found.state, found.reason) == (
        DocumentState.FAILED,
        "The secret with the document's password is not available where it is read.",
    )


def test_a_worker_without_the_secret_leaves_the_pages_to_later(
    desk: Desk, encrypted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGELINE_TEST_PDF_A", _SECRET)
    document = desk.ingest(encrypted, options={"password_secret": "env:PAGELINE_TEST_PDF_A"})
    desk.work(until=PAGES)
    monkeypatch.delenv("PAGELINE_TEST_PDF_A")
    desk.work()
    assert desk.document(document).state is DocumentState.PROCESSING
    monkeypatch.setenv("PAGELINE_TEST_PDF_A", _SECRET)
    desk.due()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_finalizing_reads_a_large_text_in_parts(
    desk: Desk, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pdf(pages=2)
    document = desk.ingest()
    desk.work()
    folder = desk.folder(document)
    monkeypatch.setattr("tasks.pagefiles._PART_BYTES", 5)
    replay(desk.tools, desk.context.results, folder, [1])
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert problems(desk) == []
