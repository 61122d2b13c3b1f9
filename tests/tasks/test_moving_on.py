"""What takes long and gets on is not taken for what hangs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from desk import Desk
from pdfs import built_pdf, stream

from infra.status.states import DocumentState
from infra.storage.directory import DirectoryStorage
from pipelines.read import ReadLimits
from tasks.hold import Hold
from tasks.queues import FINALIZE

_SECONDS = 1.5  # that an activity may take without getting on


@pytest.fixture
def values() -> dict[str, Any]:
    return {"queue": {"page_seconds": _SECONDS, "step_seconds": _SECONDS}}


@pytest.fixture
def overdue(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Says what has taken too long of all that goes on."""
    holds: list[Hold] = []
    before = Hold.__init__

    def made(self: Hold, *args: Any, **kwargs: Any) -> None:
        before(self, *args, **kwargs)
        holds.append(self)

    monkeypatch.setattr(Hold, "__init__", made)
    return lambda: [late for hold in holds if hold.doing() and (late := hold.overdue()) is not None]


def test_a_pdf_of_many_streams_is_looked_through_for_as_long_as_it_takes(
    desk: Desk, overdue: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[str] = []

    def slow(*_: object) -> None:
        late.extend(overdue())
        time.sleep(_SECONDS / 4)

    monkeypatch.setattr(ReadLimits, "check_together", slow)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>"
    catalogue = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    ]
    (desk.inbox / "a.pdf").write_bytes(built_pdf([*catalogue, page, *[stream(b"words")] * 8]))
    document = desk.ingest()
    desk.work()
    assert late == []
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_a_document_is_put_together_for_as_long_as_its_files_come_and_go(
    desk: Desk, overdue: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[str] = []
    fetch, create = DirectoryStorage.fetch, DirectoryStorage.create

    def slow() -> None:
        late.extend(overdue())
        time.sleep(_SECONDS / 4)

    def fetched(self: DirectoryStorage, *args: Any, told: Callable[[int], None], **kwargs: Any) -> Any:
        for _ in range(8):
            slow()
            told(0)
        return fetch(self, *args, told=told, **kwargs)

    def created(self: DirectoryStorage, key: str, *args: Any, **kwargs: Any) -> Any:
        slow()
        return create(self, key, *args, **kwargs)

    desk.pdf(pages=1)
    document = desk.ingest(options={"outputs": ["txt", "md", "csv", "jsonl", "hocr", "alto", "pdf"]})
    desk.work(until=FINALIZE)
    shutil.rmtree(desk.settings.work_dir / "sources")
    monkeypatch.setattr(DirectoryStorage, "fetch", fetched)
    monkeypatch.setattr(DirectoryStorage, "create", created)
    desk.work()
    assert late == []
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert len(desk.manifest(document)["outputs"]) == 7


def test_a_source_beyond_a_limit_of_today_makes_no_outputs_that_need_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pdf(pages=1)
    document = desk.ingest(options={"outputs": ["txt", "pdf"]})
    desk.work(until=FINALIZE)
    monkeypatch.setattr("tasks.outputs.read_limits", lambda settings: ReadLimits(max_bytes=10))
    desk.work()
    found = desk.document(document)
    assert found.state is DocumentState.PARTIAL
    assert "document.pdf could not be made: a.pdf: " in (found.reason or "")
