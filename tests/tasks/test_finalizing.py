"""Putting a document together from a storage that fails now and then, and from one that is away."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from desk import Desk

from infra.errors import AccessDenied, StorageUnavailable
from infra.status.states import DocumentState
from infra.status.status import finalize_step
from tasks.patience import patiently
from tasks.queues import FINALIZE

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from chaos_storage import FailingStorage

PAGES = 24


class Refusing:
    """Calls fail by chance, one in ten as in `chaos.py`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.failures = 0
        self._dice = random.Random(3)

    def __call__(self, method: str) -> None:
        self.calls[method] += 1
        if self._dice.random() < 0.1:
            self.failures += 1
            raise StorageUnavailable("the storage has failed")


@pytest.fixture
def refusing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    """What fails once the document is read."""
    refusing = Refusing()
    desk.pdf(pages=PAGES)
    desk.ingest()
    desk.work(until=FINALIZE)
    results = desk.context.results
    storage = FailingStorage(results, refusing)
    monkeypatch.setattr(type(desk.context), "storage", lambda self, uri: storage)
    return refusing


def test_a_call_that_fails_now_and_then_starts_nothing_anew(desk: Desk, refusing: Refusing) -> None:
    (_, (document, *_), _) = desk.messages[0]
    desk.step()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert not desk.store.client.zcard(f"{desk.settings.key_prefix}delayed")
    assert refusing.failures >= PAGES * 0.05
    manifest = json.loads(desk.path(desk.folder(document).manifest).read_bytes())
    assert [page["state"] for page in manifest["pages"]] == ["done"] * PAGES
    assert len(manifest["outputs"]) == 1


def test_a_storage_that_is_away_is_not_waited_for_here() -> None:
    tries = []

    def away() -> Any:
        tries.append(1)
        raise StorageUnavailable("away")

    with pytest.raises(StorageUnavailable):
        patiently(away, patience=0.1)
    assert len(tries) > 1


def test_what_is_final_is_not_tried_again() -> None:
    tries = []

    def denied() -> Any:
        tries.append(1)
        raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        patiently(denied)
    assert len(tries) == 1


def test_a_document_without_outputs_is_whole_however_often_it_was_tried(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(options={"outputs": ["json"]})
    desk.work(until=FINALIZE)
    desk.kill(finalize_step(document, 1), times=3)
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
