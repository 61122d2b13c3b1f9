"""What takes long and gets on is not taken for what hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from desk import Desk
from pdfs import built_pdf, stream

from infra.status.states import DocumentState
from pipelines.read import ReadLimits
from tasks.hold import Hold

_SECONDS = 0.5  # that an activity may take without getting on


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
    return lambda: [late for hold in holds if (late := hold.overdue()) is not None]


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
