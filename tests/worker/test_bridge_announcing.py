"""From what was received to what is announced, and what is counted instead."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from announcing import Recorder

from infra.errors import BrokerUnavailable, SettingsError
from infra.events import InvalidEvent
from infra.storage import Location
from tasks.ref import DocumentRef
from worker.bridge import patience
from worker.bridge.announcer import Announcer
from worker.bridge.order import Order
from worker.bridge.outcome import Counts, Outcome
from worker.bridge.patience import patiently
from worker.bridge.sorter import Sorter


def record(
    key: str, sequencer: str | None = None, name: str = "ObjectCreated:Put", **found: Any
) -> dict[str, Any]:
    told = {"key": key, "eTag": "e", "sequencer": sequencer, **found}
    time = "2026-01-01T00:00:00.000Z"
    return {"eventName": name, "eventTime": time, "s3": {"bucket": {"name": "box"}, "object": told}}


def message(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def announcer(recorder: Recorder) -> Announcer:
    sorter = Sorter(["s3://box/in", "s3://box/in/urgent", "s3://archive"], "s3://box/out")
    return Announcer(sorter, recorder, "default")


def keys(recorder: Recorder) -> list[str]:
    return [ref.key for ref in recorder.refs]


def test_all_that_was_told_of_an_object_is_announced(announcer: Announcer, recorder: Recorder) -> None:
    announcer.take(message(record("in/a+b.pdf", "0A", versionId="v")))
    expected = DocumentRef(source="s3://box/in", key="a b.pdf", version="v", etag="e", sequencer="0A")
    assert recorder.refs == [expected]


def test_an_object_belongs_to_the_innermost_source(announcer: Announcer, recorder: Recorder) -> None:
    announcer.take(message(record("in/urgent/a.pdf"), record("in//b.pdf")))
    assert [(ref.source, ref.key) for ref in recorder.refs] == [
        ("s3://box/in/urgent", "a.pdf"),
        ("s3://box/in", "/b.pdf"),
    ]


def test_what_is_no_document_is_counted_by_reason(announcer: Announcer, recorder: Recorder) -> None:
    announcer.take(
        message(
            *map(record, ["in/a.pdf.pageline.json", "in/.hidden", "in/b.pdf.part", "in/", "in/folder/"]),
            *map(record, ["out/a.pdf/1/document.json", "inn/a.pdf", "in", "else.pdf"]),
            record("in/a.pdf", name="ObjectRemoved:Delete"),
            record("in/a.pdf", name="ObjectTagging:Put"),
        )
    )
    announcer.take({"Event": "s3:TestEvent"})
    assert recorder.refs == []
    assert announcer.counts.by_name() == {
        "removals": 1,
        "results": 1,
        "sidecars": 1,
        "no documents": 3,
        "outside all sources": 4,
        "of other kinds": 1,
    }
    with pytest.raises(InvalidEvent):
        announcer.take("nonsense")
    assert announcer.counts.by_name()["not understood"] == 1


def test_repeated_and_overtaken_events_are_not_announced(announcer: Announcer, recorder: Recorder) -> None:
    newer, older = record("in/a.pdf", "0B", eTag="new"), record("in/a.pdf", "0A5", eTag="old")
    for one in (newer, newer, older):
        announcer.take(message(one))
    announcer.take(message(record("in/a.pdf", "0C", "ObjectRemoved:Delete"), record("in/a.pdf", "0B5")))
    announcer.take(message(record("in/a.pdf", "0D", eTag="again")))
    assert [ref.etag for ref in recorder.refs] == ["new", "again"]
    assert announcer.counts.by_name() == {
        "announced": 2,
        "repeated": 1,
        "replaced": 1,
        "deleted": 1,
        "removals": 1,
    }


def test_a_version_can_be_read_also_when_it_comes_late(announcer: Announcer, recorder: Recorder) -> None:
    announcer.take(message(record("in/a.pdf", "0B", versionId="2"), record("in/a.pdf", "0A", versionId="1")))
    assert [ref.version for ref in recorder.refs] == ["2", "1"]
    assert announcer.counts.by_name() == {"announced": 1, "announced late": 1}


def test_the_same_content_uploaded_again_is_announced_again(announcer: Announcer, recorder: Recorder) -> None:
    first, second = record("in/a.pdf"), record("in/a.pdf")
    second["eventTime"] = "2026-01-01T00:00:01.000Z"  # its sidecar may be another one now
    announcer.take(message(first, second))
    assert keys(recorder) == ["a.pdf", "a.pdf"]


def test_what_was_announced_before_an_outage_is_not_announced_again(recorder: Recorder) -> None:
    announcer = Announcer(Sorter(["s3://box"], None), recorder, "default")
    recorder.refusals = 0
    both = message(record("a.pdf"), record("b.pdf"))
    announcer.take(message(record("a.pdf")))
    recorder.refusals = 1
    with pytest.raises(BrokerUnavailable):
        announcer.take(both)
    announcer.take(both)
    assert keys(recorder) == ["a.pdf", "b.pdf"]


def test_only_the_latest_keys_are_remembered() -> None:
    recorder = Recorder()
    announcer = Announcer(Sorter(["s3://box"], None), recorder, "default")
    announcer._order = Order(limit=2)
    for key in ("a", "b", "c", "c", "a"):
        announcer.take(message(record(key, "01")))
    assert keys(recorder) == ["a", "b", "c", "a"]


def test_files_are_announced_below_their_source(tmp_path: Path, recorder: Recorder) -> None:
    announcer = Announcer(Sorter([str(tmp_path / "in")], str(tmp_path / "out")), recorder, "default")
    for name in ("in/deep/ü %.pdf", "in/.hidden", "elsewhere/a.pdf", "out/a.pdf"):
        announcer.announce(Location("file", str(tmp_path / name)))
    assert keys(recorder) == ["deep/ü %.pdf"]
    assert announcer.counts.by_name() == {
        "announced": 1,
        "results": 1,
        "no documents": 1,
        "outside all sources": 1,
    }


def test_without_sources_there_is_nothing_to_bridge() -> None:
    with pytest.raises(SettingsError, match="no source is configured"):
        Sorter([], None)


def test_counts_are_exact_whatever_threads_add() -> None:
    counts = Counts()
    assert str(counts) == "no events"
    threads = [
        threading.Thread(target=lambda: [counts.add(Outcome.ANNOUNCED) for _ in range(1000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert str(counts) == "4,000 announced"
    assert counts.total == 4000


def test_patience_outlasts_outages_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", pauses.append)
    recorder, meanwhile = Recorder(3), []
    ref = DocumentRef(source="s3://box", key="a.pdf")
    patiently(lambda: recorder.announce(ref), lambda: meanwhile.append(1))
    assert recorder.refs == [ref]
    assert len(meanwhile) == len(pauses) == 3
    assert pauses == sorted(pauses)
    with pytest.raises(InvalidEvent):
        patiently(lambda: Announcer(Sorter(["s3://box"], None), recorder, "default").take("{"))
