"""Documents that Redis has lost, or remembers as they once were, are found in storage and finished."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import AccessDenied, StorageUnavailable
from infra.status.states import DocumentState
from infra.status.status import split_step
from infra.status.work import Claim
from infra.telemetry.meter import METER
from tasks.context import Tools
from tasks.queues import FINALIZE, PAGES, SPLIT
from tasks.rebuild import Rebuilder, rebuild_some
from tasks.sweep import sweep
from tasks.walk import documents, result_keys


@pytest.mark.parametrize("stage", [SPLIT, PAGES, FINALIZE])
def test_a_total_loss_at_any_stage_is_made_good(desk: Desk, stage: str) -> None:
    desk.pdf(pages=5)
    document = desk.ingest(options={"dpi": 100})
    desk.work(until=stage)
    before = desk.pipeline.reads.copy()
    desk.lose()
    desk.context.request.cache_clear()  # type: ignore[attr-defined]  # as in another process
    assert desk.rebuild() == 1
    desk.work()
    found = desk.document(document)
    assert (found.state, found.done, found.tenant) == (DocumentState.SUCCEEDED, 5, "default")
    assert desk.manifest(document)["options"]["dpi"] == 100
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 6), 1))
    assert sum(before.values()) == (5 if stage == FINALIZE else 0)


def test_pages_already_written_are_not_read_again(desk: Desk) -> None:
    desk.pdf(pages=7)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.step()  # pages 1 to 3
    desk.lose()
    desk.recover()
    assert desk.document(document).done == 7
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 8), 1))


def test_a_document_that_has_ended_is_left_alone(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.work()
    desk.lose()
    assert desk.rebuild() == 0
    assert desk.documents() == []
    assert not desk.messages


def test_one_at_work_is_left_to_redis(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.work(until=PAGES)
    waiting = len(desk.messages)
    assert desk.rebuild() == 0
    assert len(desk.messages) == waiting


def test_how_a_document_ends_is_not_forgotten_with_its_announcement(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(options={"dpi": 10_000})
    desk.lose()
    desk.recover()
    found = desk.document(document)
    assert found.state is DocumentState.REJECTED
    assert "dpi" in (found.reason or "")
    assert not desk.pipeline.reads


def test_failed_pages_are_not_read_again_by_a_rebuild(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.context.page_files(desk.folder(document), 1).write_failure(2, "three deaths", cause="processing")
    desk.lose()
    desk.recover()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.PARTIAL, 1)
    assert desk.pipeline.reads == Counter({1: 1, 3: 1})


def test_a_manifest_that_redis_was_rolled_back_behind_ends_the_document(desk: Desk) -> None:
    desk.pdf(pages=4)
    document = desk.ingest()
    snapshots = {}
    for stage in (SPLIT, PAGES, FINALIZE):
        desk.work(until=stage)
        snapshots[stage] = desk.snapshot()
    desk.work()
    before = desk.context.results.head(desk.folder(document).manifest)
    for snapshot in snapshots.values():
        desk.roll_back(snapshot)
        assert not desk.document(document).terminal
        desk.recover()
        found = desk.document(document)
        assert (found.state, desk.store.listing.active()) == (DocumentState.SUCCEEDED, [])
    assert desk.context.results.head(desk.folder(document).manifest) == before
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 5), 1))


def test_the_end_is_taken_over_even_when_the_source_is_gone_by_then(desk: Desk) -> None:
    path = desk.pdf()
    document = desk.ingest()
    snapshot = desk.snapshot()
    desk.work()
    path.unlink()
    desk.roll_back(snapshot)
    desk.recover()  # splitting finds no source: the manifest that is there says how it ended
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_pages_written_since_the_snapshot_are_adopted(desk: Desk) -> None:
    desk.pdf(pages=7)
    document = desk.ingest()
    desk.work(until=PAGES)
    snapshot = desk.snapshot()
    desk.step()
    desk.step()
    desk.roll_back(snapshot)
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 8), 1))


def test_a_document_younger_than_the_snapshot_is_found(desk: Desk) -> None:
    snapshot = desk.snapshot()
    desk.pdf()
    document = desk.ingest()
    desk.roll_back(snapshot)
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_a_manifest_that_was_taken_away_is_made_again(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work()
    desk.path(desk.folder(document).manifest).unlink()
    desk.recover()
    assert desk.manifest(document)["state"] == "succeeded"
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 4), 1))


def test_a_manifest_that_is_damaged_is_made_again_when_it_is_asked_for(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work()
    desk.path(desk.folder(document).manifest).write_text("{")
    desk.lose()
    desk.ingest()  # the same upload, announced again
    desk.work()
    assert desk.manifest(document)["state"] == "succeeded"
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 4), 1))


def test_a_request_that_is_damaged_stops_no_other_document(desk: Desk) -> None:
    desk.pdf("a.pdf")
    desk.pdf("b.pdf", pages=2)
    damaged, sound = desk.ingest("a.pdf"), desk.ingest("b.pdf")
    desk.path(desk.folder(damaged).request).write_text("{")
    desk.lose()
    desk.recover()
    assert [found.id for found in desk.documents()] == [sound]


@pytest.mark.parametrize("turn", [2, 2000])
def test_one_that_is_forbidden_stops_no_other_document(
    desk: Desk, flaky: Flaky, caplog: pytest.LogCaptureFixture, turn: int
) -> None:
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        desk.pdf(name, pages=1)
        desk.ingest(name)
    forbidden = next(found for found in desk.documents() if found.source.endswith("a.pdf"))
    flaky.refuse["read", f"{forbidden.id}/request.json"] = AccessDenied("the key is disabled")
    desk.lose()
    queue = desk.settings.queue.model_copy(update={"rebuild_keys": turn})
    tools = type(desk.tools)(desk.settings.model_copy(update={"queue": queue}), desk.store, desk.tools.send)
    METER.drain()
    assert sum(rebuild_some(tools, flaky) for _ in range(3)) == 2
    assert forbidden.id not in [found.id for found in desk.documents()]
    state = desk.store.passes.load()
    assert state is not None
    assert state.cursor is None  # the pass is over
    assert caplog.text.count("the key is disabled") == 1
    assert METER.drain()["errors_total|rebuild|AccessDenied"] == 1
    flaky.refuse.clear()
    assert desk.rebuild() == 1


def test_a_turn_that_the_storage_does_not_answer_is_made_again(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    desk.ingest()
    desk.lose()
    flaky.refuse["read", "request.json"] = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        rebuild_some(desk.tools, flaky)
    flaky.refuse.clear()
    assert rebuild_some(desk.tools, flaky) == 1


def test_redis_is_told_again_of_an_ended_document_that_is_announced(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.work()
    desk.lose()
    assert desk.ingest() == document
    assert not desk.messages
    found = desk.document(document)
    assert (found.state, found.done, found.pages) == (DocumentState.SUCCEEDED, 3, 3)


def test_a_split_that_was_lost_is_sent_when_the_document_is_announced_again(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.messages.clear()
    desk.ingest()
    assert [message[0] for message in desk.messages] == [SPLIT]


def in_small_turns(desk: Desk) -> Tools:
    """Tools with which a turn looks at two documents."""
    queue = desk.settings.queue.model_copy(update={"rebuild_keys": 2})
    return Tools(desk.settings.model_copy(update={"queue": queue}), desk.store, desk.tools.send)


def test_a_pass_goes_on_where_it_stopped_and_comes_again_after_a_while(desk: Desk) -> None:
    for number in range(5):
        desk.pdf(f"{number}.pdf", pages=1)
        desk.ingest(f"{number}.pdf")
    desk.lose()
    tools = in_small_turns(desk)
    assert [rebuild_some(tools, desk.context.results) for _ in range(4)] == [2, 2, 1, 0]
    state = desk.store.passes.load()
    assert state is not None
    assert (state.cursor, state.finished <= time.time()) == (None, True)
    desk.lose_documents()
    assert rebuild_some(tools, desk.context.results) == 0  # an hour has not passed
    desk.store.passes.save(type(state)(None, 1.0, state.server))
    assert rebuild_some(tools, desk.context.results) == 2


def test_workers_that_start_more_often_than_a_pass_takes_come_to_its_end(desk: Desk) -> None:
    for number in range(5):
        desk.pdf(f"{number}.pdf", pages=1)
        desk.ingest(f"{number}.pdf")
    desk.lose()
    tools = in_small_turns(desk)
    assert [Rebuilder(tools, desk.context.results)() for _ in range(3)] == [2, 2, 1]


def test_a_worker_that_starts_makes_one_pass_after_the_one_that_was_under_way(desk: Desk) -> None:
    for number in range(3):
        desk.pdf(f"{number}.pdf", pages=1)
        desk.ingest(f"{number}.pdf")
    desk.lose()
    tools = in_small_turns(desk)
    assert rebuild_some(tools, desk.context.results) == 2
    desk.lose_documents()
    started = Rebuilder(tools, desk.context.results)
    assert [started() for _ in range(4)] == [1, 2, 0, 0]
    desk.lose_documents()
    assert started() == 0  # the next is due in an hour


def test_another_run_of_redis_has_everything_looked_at_again(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    assert rebuild_some(desk.tools, desk.context.results) == 0
    desk.lose_documents()
    state = desk.store.passes.load()
    assert state is not None
    desk.store.passes.save(type(state)(None, state.finished, "the run before"))
    assert rebuild_some(desk.tools, desk.context.results) == 1


def test_a_full_queue_has_the_pass_wait(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.lose()
    keys = desk.store.keys
    desk.store.client.zadd(keys("turns"), {"a:normal:split": 1})
    desk.store.client.zadd(keys("waiting", "a:normal:split"), {f"{n}:1:split": n for n in range(20_000)})
    assert rebuild_some(desk.tools, desk.context.results) == 0
    desk.store.client.delete(keys("waiting", "a:normal:split"))
    assert rebuild_some(desk.tools, desk.context.results) == 1


def test_a_document_of_many_pages_is_passed_quickly(desk: Desk) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    pages = desk.path(desk.folder(document).pages)
    pages.mkdir()
    for number in range(1, 1500):
        (pages / f"{number:05d}.json").touch()
    keys = list(result_keys(desk.context.results, ""))
    assert len(keys) == 1001  # and the request behind them
    (entry,) = documents(keys)
    assert (entry.folder, entry.open) == (desk.folder(document), True)


def test_sources_in_folders_called_pages_are_no_pages(desk: Desk) -> None:
    names = [f"pages/{number:05d}.pdf" for number in range(3)]
    for name in names:
        desk.pdf(name, pages=1)
        desk.ingest(name)
    found = [entry.folder.key for entry in documents(result_keys(desk.context.results, ""))]
    assert sorted(found) == sorted(document.folder for document in desk.documents())


def test_a_step_that_a_dead_splitter_held_is_found_after_a_rollback(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    assert desk.store.status.claim(split_step(document, 1), "dead#1#1")[0] is Claim.GO
    snapshot = desk.snapshot()
    desk.roll_back(snapshot)
    desk.long_ago()
    sweep(desk.tools)
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_records_of_later_programs_are_understood(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    request = desk.path(desk.folder(document).request)
    content: dict[str, Any] = json.loads(request.read_bytes())
    request.write_text(json.dumps({**content, "wishes": {"url": "https://example.com"}}))
    desk.lose()
    desk.recover()
    assert desk.document(document).state is DocumentState.SUCCEEDED
