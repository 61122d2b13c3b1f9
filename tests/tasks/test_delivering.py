"""Documents end, and whoever wants to know is told: at least once, in order, whatever is lost on the way."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_at
from receiver import Receiver, failing, receiver

from infra.errors import StorageUnavailable
from infra.notify import DocumentFinished
from infra.status.states import DocumentState
from infra.status.status import finalize_step
from infra.status.work import Commit
from tasks import deliver as delivering
from tasks.dispatch import send
from tasks.places import Folder
from tasks.queues import DELIVER, FINALIZE
from tasks.reopen import replay
from tasks.sweep import sweep
from worker.stack.valkey import ValkeyHandle

SECRET = "of the tests"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def values(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return {
        "notify": {
            "targets": [hook.url],
            "secrets": ["env:HOOK_SECRET"],
            "retry_seconds": 0.001,
            "retry_limit_seconds": 0.001,
        }
    }


def post_all(desk: Desk) -> None:
    """Have everything in the outbox come due and delivered, until nothing is left to do."""
    for _ in range(200):
        if not desk.store.outbox.pending(1):
            return
        later(desk)
        sweep(desk.tools)
        desk.work()
    raise AssertionError(f"there is no end: {desk.store.outbox.pending(10)}")


def later(desk: Desk) -> None:
    """Have leases, delays and pauses run out."""
    prefix = desk.settings.key_prefix
    key = f"{prefix}outbox"
    for name in map(str, desk.store.client.zrange(key, 0, -1)):
        if desk.store.client.zscore(key, name) != float("inf"):
            desk.store.client.zadd(key, {name: 0})
    for trouble in desk.store.client.scan_iter(f"{prefix}trouble:*"):
        desk.store.client.hset(trouble, "until", 0)
    desk.store.client.delete(f"{prefix}outbox:called")


def told(hook: Receiver) -> dict[str, list[int]]:
    """Generations by document, in the order in which they were taken; repeats left out."""
    found: dict[str, list[int]] = defaultdict(list)
    for request in hook.taken:
        data = request.event["data"]
        if data["generation"] not in found[data["id"]]:
            found[data["id"]].append(data["generation"])
    return found


def owing(desk: Desk) -> list[Path]:
    return list(Path(desk.settings.results.removeprefix("file://")).rglob("callbacks.json"))


def read(desk: Desk, name: str = "a.pdf", pages: int = 1, **fields: Any) -> str:
    desk.pdf(name, pages)
    document = desk.ingest(name, **fields)
    desk.work()
    return document


def test_the_event_says_how_the_document_ended(desk: Desk, hook: Receiver) -> None:
    document = read(desk, pages=3)
    (request,) = hook.requests
    event = DocumentFinished.model_validate_json(request.body)
    manifest = desk.manifest(document)
    folder = f"{desk.settings.results}/{desk.document(document).folder}"
    assert (event.id, event.subject) == (f"{document}:1", f"file://{desk.inbox}/a.pdf")
    assert (event.source, event.time.timestamp()) == (
        desk.settings.results,
        pytest.approx(manifest["timings"]["finished"], abs=1e-5),
    )
    assert (event.data.state, event.data.reason, event.data.tenant) == ("succeeded", None, "default")
    assert event.data.pages.model_dump() == {"total": 3, "done": 3, "failed": 0, "cancelled": 0}
    assert event.data.manifest == f"{folder}/document.json"
    assert [(each.name, each.uri) for each in event.data.outputs] == [
        ("document.txt", f"{folder}/document.txt")
    ]
    assert request.headers["Pageline-Signature"].count("v1=") == 1
    assert (owing(desk), desk.store.outbox.pending(1)) == ([], [])


@pytest.mark.parametrize("options", [{"dpi": 10_000}, {}], ids=["rejected", "succeeded"])
def test_every_end_is_told_once(desk: Desk, hook: Receiver, options: dict[str, Any]) -> None:
    document = read(desk, options=options)
    desk.ingest(options=options)  # announced again
    desk.work()
    desk.recover()
    assert told(hook) == {document: [1]}
    assert len(hook.requests) == 1
    assert hook.requests[0].event["data"]["state"] == desk.document(document).state


def test_a_document_that_is_cancelled_is_told_of(desk: Desk, hook: Receiver) -> None:
    desk.pdf(pages=4)
    document = desk.ingest()
    desk.work(until="pageline.pages")
    outcome, generation = desk.store.status.cancel(document)
    assert outcome is Commit.FIRST
    send(desk.tools, finalize_step(document, generation))
    desk.work()
    assert [request.event["data"]["state"] for request in hook.requests] == ["cancelled"]
    assert hook.requests[0].event["data"]["pages"]["cancelled"] == 4


def test_one_whose_request_is_lost_is_told_of_too(desk: Desk, hook: Receiver) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.path(desk.folder(document).request).unlink()
    desk.work()
    data = hook.requests[0].event["data"]
    assert (data["id"], data["state"], data["manifest"]) == (document, "failed", None)
    assert "request.json" in data["reason"]


def test_a_receiver_that_fails_half_the_time_and_goes_away_hears_of_every_document(
    desk: Desk, hook: Receiver
) -> None:
    hook.answer = failing(0.5, seed=7)
    documents = [read(desk, f"{number}.pdf") for number in range(6)]
    hook.down()
    documents += [read(desk, f"{number}.pdf") for number in range(6, 12)]
    for document in documents[4:8]:  # a second end while the first may still be untold
        folder = desk.folder(document)
        replay(desk.tools, desk.context.results, folder, [1])
        desk.work()
    later(desk)
    sweep(desk.tools)
    desk.work()
    hook.up()
    post_all(desk)
    assert told(hook) == {document: [1] for document in documents} | {
        document: [1, 2] for document in documents[4:8]
    }
    assert len(hook.requests) > len(hook.taken)
    assert all("v1=" in request.headers["Pageline-Signature"] for request in hook.requests)
    assert owing(desk) == []


@pytest.mark.parametrize("receiver_up", [False, True])
def test_what_redis_loses_with_the_outbox_is_told_all_the_same(
    desk: Desk, hook: Receiver, receiver_up: bool
) -> None:
    hook.down()
    documents = sorted(read(desk, f"{number}.pdf") for number in range(3))
    if receiver_up:
        hook.up()
        later(desk)
        sweep(desk.tools)
        desk.work()
        post_all(desk)
        before = len(hook.requests)
    desk.lose()
    hook.down()
    hook.up()
    desk.context.request.cache_clear()  # type: ignore[attr-defined]  # as in another process
    desk.rebuild()
    post_all(desk)
    assert sorted(told(hook)) == documents
    assert owing(desk) == []
    if receiver_up:
        assert len(hook.requests) == before  # what was told before is not told again


def test_a_rollback_behind_the_end_tells_only_what_is_owed(desk: Desk, hook: Receiver) -> None:
    desk.pdf(pages=2)
    document = desk.ingest()
    desk.work(until=FINALIZE)
    snapshot = desk.snapshot()
    desk.work()
    assert told(hook) == {document: [1]}
    desk.roll_back(snapshot)
    desk.recover()
    assert desk.document(document).terminal
    assert len(hook.requests) == 1

    hook.down()
    late = read(desk, "late.pdf")
    desk.roll_back(snapshot)
    hook.up()
    desk.recover()
    post_all(desk)
    assert told(hook) == {document: [1], late: [1]}


def test_an_end_that_was_written_and_not_noted_is_told(
    desk: Desk, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.work(until=FINALIZE)
    snapshot = desk.snapshot()
    desk.work(until=DELIVER)  # the process dies here, and Redis forgets the end and the outbox
    desk.roll_back(snapshot)
    assert len(owing(desk)) == 1
    desk.recover()
    post_all(desk)
    assert told(hook) == {document: [1]}
    assert owing(desk) == []


def test_a_letter_delivered_by_a_process_that_died_before_saying_so_is_cleared(
    desk: Desk, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise StorageUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "settle_owing", dies)
        read(desk)
    assert (len(hook.requests), len(owing(desk))) == (1, 1)
    desk.rebuild()
    assert owing(desk) == []
    desk.work()
    assert len(hook.requests) == 1


def test_a_letter_behind_another_is_not_looked_at_again_by_each_rebuild(
    desk: Desk, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.down()
    read(desk)
    looks: list[Folder] = []
    monkeypatch.setattr("tasks.rebuild.resume", lambda _tools, _storage, folder: bool(looks.append(folder)))
    desk.rebuild()
    assert looks == []


def test_a_letter_that_nobody_takes_dies_and_is_delivered_after_all(desk: Desk, hook: Receiver) -> None:
    hook.answer = lambda _: 410
    document = read(desk)
    (dead,) = desk.store.outbox.dead(10)
    assert (dead.document, dead.reason) == (document, f"{hook.url} answers 410 Gone")
    assert owing(desk) == []
    hook.answer = lambda _: 200
    assert desk.store.outbox.revive(document) == 1
    post_all(desk)
    assert [request.status for request in hook.requests] == [410, 200]
    assert hook.requests[0].event == hook.requests[1].event


def test_a_receiver_that_is_away_is_tried_by_one_letter_for_all(
    tmp_path: Path, valkey: ValkeyHandle, hook: Receiver
) -> None:
    hook.down()
    with desk_at(tmp_path, valkey.broker_url, notify={"targets": [hook.url]}) as desk:
        for number in range(5):
            read(desk, f"{number}.pdf")
        letters = desk.store.outbox.pending(10)
    assert len(letters) == 5
    assert sum(letter.tries for letter in letters) == 1


class TestDocumentsThatNameTheirOwn:
    """What a document's options name is judged, what the settings name is not."""

    @pytest.fixture
    def values(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"notify": {**values["notify"], "targets": []}}

    def named(self, desk: Desk, target: str, **notify: Any) -> str:
        """Read a document that names a target; what became of it."""
        settings = desk.settings.model_copy(update={"notify": desk.settings.notify.model_copy(update=notify)})
        object.__setattr__(desk.tools, "settings", settings)
        read(desk, options={"callback": target})
        return "; ".join(letter.reason or "" for letter in desk.store.outbox.dead(10))

    def test_they_may_not_reach_private_addresses(self, desk: Desk, hook: Receiver) -> None:
        assert "private network" in self.named(desk, hook.url, client_schemes=("http",))
        assert hook.requests == []

    def test_unless_the_settings_allow_it(self, desk: Desk, hook: Receiver) -> None:
        assert self.named(desk, hook.url, client_schemes=("http",), allow_private=True) == ""
        assert len(hook.requests) == 1

    @pytest.mark.parametrize("target", ["http://example.com/", "sqs://queue", "redis-stream://s"])
    def test_only_kinds_that_are_allowed(self, desk: Desk, target: str) -> None:
        assert "may not name a target of the kind" in self.named(desk, target)


def test_tenants_hear_of_their_own_documents_only(
    tmp_path: Path, valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as everybody, receiver() as acme:
        notify = {"targets": [everybody.url], "tenants": {"acme": {"targets": [acme.url]}}}
        values = {"notify": notify, "tenants": ["acme", "other"]}
        with desk_at(tmp_path, valkey.broker_url, **values) as desk:
            for tenant in ("acme", "other"):
                read(desk, f"{tenant}.pdf", tenant=tenant)
        assert [request.event["data"]["tenant"] for request in acme.requests] == ["acme"]
        assert sorted(request.event["data"]["tenant"] for request in everybody.requests) == ["acme", "other"]


def test_a_stream_of_redis_is_told_too(tmp_path: Path, valkey: ValkeyHandle) -> None:
    values = {"notify": {"targets": ["redis-stream://ended"]}}
    with desk_at(tmp_path, valkey.broker_url, **values) as desk:
        document = read(desk)
        entries: Any = desk.store.client.xrange(f"{desk.settings.key_prefix}stream:ended")
    (fields,) = [fields for _, fields in entries]
    assert json.loads(fields["event"])["data"]["id"] == document
    assert fields["state"] == "succeeded"


def test_a_missing_secret_waits_for_somebody_to_put_it_there(
    desk: Desk, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_SECRET")
    document = read(desk)
    (letter,) = desk.store.outbox.pending(10)
    assert letter.reason == "it cannot be signed: there is no secret at env:HOOK_SECRET"
    assert hook.requests == []
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    post_all(desk)
    assert told(hook) == {document: [1]}


def test_an_error_nobody_expected_stops_no_other_letter(
    tmp_path: Path, valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(settings: Any, event: DocumentFinished) -> DocumentFinished:
        if event.subject.endswith("bad.pdf"):
            raise ZeroDivisionError
        return event

    monkeypatch.setattr(delivering, "_linked", poisoned)
    with receiver() as hook:
        values = {"notify": {"targets": [hook.url]}}
        with desk_at(tmp_path, valkey.broker_url, **values) as desk:
            read(desk, "bad.pdf")
            good = read(desk, "good.pdf")
            (letter,) = desk.store.outbox.pending(10)
        assert letter.reason == "an internal error (ZeroDivisionError)"
        assert list(told(hook)) == [good]


def test_nobody_to_be_told_costs_nothing(tmp_path: Path, valkey: ValkeyHandle) -> None:
    with desk_at(tmp_path, valkey.broker_url) as desk:
        document = read(desk)
        assert desk.document(document).state is DocumentState.SUCCEEDED
        assert owing(desk) == []
        assert list(desk.store.client.scan_iter(f"{desk.settings.key_prefix}owed:*")) == []


def test_links_are_made_as_the_event_is_sent(desk: Desk, hook: Receiver) -> None:
    settings = desk.settings.model_copy(
        update={"notify": desk.settings.notify.model_copy(update={"presign_seconds": 60})}
    )
    object.__setattr__(desk.tools, "settings", settings)
    read(desk)
    data = hook.requests[0].event["data"]
    assert data["links_expire"] is not None
    assert data["manifest_url"] is None  # a folder knows no links
