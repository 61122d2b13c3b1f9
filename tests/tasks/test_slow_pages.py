"""Pages beyond the soft limit: given up in good order, while the rest of the document goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from desk import Desk

from infra.status.states import DocumentState, Mode
from tasks.queues import PAGES
from tasks.sweep import sweep


@pytest.fixture
def values() -> dict[str, Any]:
    return {"queue": {"page_soft_seconds": 1e-9}}


def test_a_page_beyond_the_soft_limit_is_tried_again_and_fails_with_the_limits_name(desk: Desk) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    modes = work_and_sweep(desk)
    assert modes == [Mode.NORMAL, Mode.ALONE, Mode.QUARANTINE, Mode.GIVEN_UP]
    found = desk.document(document)
    assert found.state is DocumentState.FAILED
    (page,) = desk.manifest(document)["pages"]
    assert page["reason"] == "Reading the page took longer than page_soft_seconds allows (1e-09 s) each time."


def test_the_pages_beside_it_are_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    predict = desk.pipeline.predict

    def slow_once(page: Any, **options: Any) -> Any:
        return predict(page if page.number == 2 else replace(page, until=None), **options)

    monkeypatch.setattr(desk.pipeline, "predict", slow_once)
    work_and_sweep(desk)
    found = desk.document(document)
    assert (found.state, found.done, found.failed) == (DocumentState.PARTIAL, 2, 1)


def work_and_sweep(desk: Desk) -> list[str]:
    """Do everything that is to be done; how ranges were read."""
    modes = []
    while desk.messages:
        task, arguments, _ = desk.messages[0]
        modes += [arguments[4]] if task == PAGES else []
        desk.step()
        sweep(desk.tools)
        desk.due()
    return modes
