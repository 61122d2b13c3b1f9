"""The tasks, message by message, in this process: what they do when storage or sources play up."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest
from celery.exceptions import Reject
from desk import Desk
from flaky import Flaky
from PIL import Image

from infra.errors import AccessDenied, BrokerUnavailable, StorageUnavailable
from infra.status.states import DocumentState, Mode, PageState
from infra.status.status import finalize_step, split_step
from infra.status.work import Claim, PageRange
from infra.storage import Location
from tasks import entry
from tasks.dispatch import announce_dropped
from tasks.pages import read_range
from tasks.queues import CONTROL, FINALIZE, INGEST, PAGES, SPLIT
from tasks.reconcile import reconcile
from tasks.reopen import retry
from tasks.sweep import sweep


def test_a_document_from_announcement_to_manifest(desk: Desk) -> None:
    desk.worker(name="one")
    desk.worker(name="two")
    desk.pdf(pages=7)
    document = desk.ingest()
    assert [message[0] for message in desk.messages] == [SPLIT]
    desk.work(until=PAGES)
    assert [message[1][2:5] for message in desk.messages] == [
        [1, 3, "normal"],
        [4, 6, "normal"],
        [7, 7, "normal"],
    ]
    desk.work(until=FINALIZE)
    assert desk.document(document).state is DocumentState.FINALIZING
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    leftover = set(desk.store.client.scan_iter(f"{desk.settings.key_prefix}*"))
    assert not {key for key in leftover if "lease" in str(key) or "released" in str(key)}
    assert not list((desk.settings.work_dir / "used").rglob("*.pdf"))


def test_storage_that_is_away_at_ingest_delays_the_announcement(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    flaky.refuse["head", "a.pdf"] = StorageUnavailable("away")
    entry.ingest(desk.ref().content())
    assert not desk.messages
    flaky.refuse.clear()
    desk.due()
    (message,) = desk.messages
    assert (message[0], message[1][1], message[2]) == (INGEST, 1, CONTROL)
    desk.work()
    assert [one.state for one in desk.store.listing.recent()] == [DocumentState.SUCCEEDED]


def test_an_announcement_that_is_given_up_can_be_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.pdf()
    ref = desk.ref(options={"dpi": 100}).content()
    with monkeypatch.context() as broken:
        broken.setattr("tasks.ingest.identify", None)
        for tries in range(20):
            entry.ingest(ref, tries)
            assert desk.store.fleet.dropped() == []
        with pytest.raises(TypeError):
            entry.ingest(ref, 20)
    desk.store.client.delete(desk.store.keys("delayed"))
    assert announce_dropped(desk.tools) == [ref]
    assert desk.store.fleet.dropped() == []
    desk.work()
    (found,) = desk.documents()
    assert found.state is DocumentState.SUCCEEDED
    assert desk.manifest(found.id)["options"]["dpi"] == 100


def test_storage_that_is_away_at_split_costs_no_attempt(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    document = desk.ingest()
    flaky.refuse["fetch", "a.pdf"] = StorageUnavailable("away")
    for _ in range(5):
        desk.step()
        assert not desk.messages
        desk.due()
    assert desk.messages[0][1][2] == 5  # tries, for the delay to grow
    flaky.refuse.clear()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_storage_that_is_away_at_writing_gives_the_rest_back_and_repeats_only_that(
    desk: Desk, flaky: Flaky
) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    flaky.refuse["create", "00002.json"] = StorageUnavailable("away")
    desk.step()
    assert desk.store.listing.pages(document) == [PageState.DONE, PageState.PENDING, PageState.PENDING]
    assert not desk.messages
    desk.due()
    assert desk.messages[0][1][2:] == [2, 3, "normal", 1]
    flaky.refuse.clear()
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.document(document).done == 3


def test_a_source_that_is_denied_fails_the_document_with_a_public_reason(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    document = desk.ingest()
    flaky.refuse["fetch", "a.pdf"] = AccessDenied("credentials of bucket x")
    desk.work()
    found = desk.document(document)
    assert (found.state, found.reason) == (DocumentState.FAILED, AccessDenied.public)


def test_a_source_replaced_before_it_was_split_is_superseded(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.pdf(pages=4)
    desk.work()
    assert desk.document(document).state is DocumentState.SUPERSEDED


def test_a_source_gone_after_splitting_fails_its_pages(desk: Desk) -> None:
    path = desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    path.unlink()
    shutil.rmtree(desk.settings.work_dir / "sources")
    desk.work()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.FAILED, 3)
    assert found.reason == "No page could be read. Page 1: The document was not found."


def test_pages_written_before_are_adopted_unread(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    folder = desk.folder(document)
    pages = desk.path(folder.pages)
    pages.mkdir(parents=True)
    (pages / "00001.json").write_text('{"state": "done", "rec_texts": ["old"]}')
    (pages / "00002.json").write_text('{"state": "failed", "reason": "torn before"}')
    (pages / "00003.json").write_text("{ damaged")
    desk.context.pipeline = None  # nothing must be read
    desk.work()
    found = desk.document(document)
    assert (found.state, found.done, found.failed) == (DocumentState.PARTIAL, 1, 2)
    assert desk.store.listing.reasons(document) == {
        2: "torn before",
        3: "The page's stored result is damaged.",
    }
    assert desk.path(folder.text).read_text().split("\f") == [
        "old\n",
        "[Page 2 could not be read: torn before]\n",
        "[Page 3 could not be read: The page's stored result is damaged.]\n",
    ]


def test_a_picture_that_turns_out_torn_is_rejected(desk: Desk) -> None:
    path = desk.inbox / "torn.png"
    Image.effect_noise((300, 300), 50).save(path)
    path.write_bytes(path.read_bytes()[:20_000])
    document = desk.ingest("torn.png")
    desk.work()
    found = desk.document(document)
    assert (found.state, found.failed) == (DocumentState.REJECTED, 1)
    assert found.reason is not None
    assert found.reason.startswith("No page could be read. Page 1: torn.png: ")
    record = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    assert (record["state"], record["cause"]) == ("failed", "input")


def test_a_page_given_up_needs_no_pipeline_and_leaves_a_record(desk: Desk) -> None:
    desk.pdf(pages=1)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.messages.clear()
    normal = PageRange(document, 1, 1, 1)
    status = desk.store.status
    for mode in (Mode.NORMAL, Mode.ALONE, Mode.QUARANTINE):
        pages = PageRange(document, 1, 1, 1, mode)
        assert status.begin_range(pages, "dead#1#1") is Claim.GO
        assert status.begin_page(pages, 1, "dead#1#1")[0] is Claim.GO
        status.forfeit("dead", 2)
        sweep(desk.tools)
    (given_up,) = [message for message in desk.messages if message[1][4] == "given_up"]
    assert given_up[2] == CONTROL
    desk.context.pipeline = None
    desk.messages.clear()
    desk.messages.append(given_up)
    desk.work()
    assert desk.document(document).state is DocumentState.FAILED
    record = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    assert (record["state"], record["mode"]) == ("failed", "given_up")
    assert record["reason"] == "Reading the page ended its process each time it was tried."
    read_range(desk.context, normal)  # a message from long ago
    assert not desk.messages


def test_a_page_in_quarantine_is_read_at_low_cost(desk: Desk) -> None:
    desk.pdf(pages=1)
    document = desk.ingest(options={"dpi": 144, "visualize": True})
    desk.work(until=PAGES)
    desk.messages.clear()
    for mode in (Mode.NORMAL, Mode.ALONE):
        pages = PageRange(document, 1, 1, 1, mode)
        desk.store.status.begin_range(pages, "dead#1#1")
        desk.store.status.begin_page(pages, 1, "dead#1#1")
        desk.store.status.forfeit("dead", 2)
        sweep(desk.tools)
    assert [message[1][4] for message in desk.messages if message[1][4] != "normal"] == []
    assert reconcile(desk.tools) == 0  # it waits, so that a page that ends processes holds nobody up twice
    desk.due()
    assert desk.messages[-1][1][4] == "quarantine"
    desk.work()
    content = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    assert (content["mode"], content["page"]["dpi"], content["pictures"]) == ("quarantine", 72, [])
    assert content["text_layer"]["mode"] == "ignore"


def test_a_draining_process_gives_back_what_is_not_begun(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.drain = True
    desk.step()
    assert desk.store.listing.pages(document) == [PageState.PENDING] * 3
    (message,) = desk.messages
    assert message[1] == [document, 1, 1, 3, "normal", 0]
    desk.drain = False
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_repeated_and_old_messages_do_nothing(desk: Desk) -> None:
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.messages.extend([*desk.messages] * 3)
    desk.work(until=PAGES)
    desk.messages.extend([*desk.messages] * 2)
    desk.work()
    manifest = desk.folder(document).manifest
    before = desk.context.results.head(manifest)
    desk.messages.append((SPLIT, [document, 1, 0], CONTROL))
    desk.messages.append((PAGES, [document, 1, 1, 3, "normal", 0], "ocr.cpu"))
    desk.messages.append((FINALIZE, [document, 1, 0], CONTROL))
    desk.messages.append((FINALIZE, ["unheard-of", 1, 0], CONTROL))
    desk.work()
    assert desk.context.results.head(manifest) == before
    assert desk.document(document).done == 3


def test_finalizing_that_died_after_its_manifest_adopts_it(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.work(until=FINALIZE)
    folder = desk.folder(document)
    flaky.refuse["create", "document.json"] = StorageUnavailable("away")
    desk.step()
    assert desk.path(folder.text).exists()
    text = desk.context.results.head(folder.text)
    flaky.refuse.clear()
    desk.due()
    desk.work()
    assert desk.context.results.head(folder.text) == text
    assert desk.document(document).state is DocumentState.SUCCEEDED
    output = json.loads(desk.path(folder.manifest).read_bytes())["outputs"][0]
    assert output["size"] == text.size


def test_a_step_tried_too_often_fails_the_document(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.kill(split_step(document, 1), times=3)
    desk.work()
    found = desk.document(document)
    assert found.state is DocumentState.FAILED
    assert found.reason == "Opening the document ended its process each time it was tried."


@pytest.mark.parametrize(
    ("deaths", "state"), [(3, DocumentState.PARTIAL), (4, DocumentState.FAILED)], ids=["outputs", "all"]
)
def test_a_document_that_kills_whoever_puts_it_together_ends_with_its_pages_if_it_can(
    desk: Desk, deaths: int, state: DocumentState
) -> None:
    """Most likely it is an output that nobody survives: the fourth try makes none."""
    desk.pdf(pages=3)
    document = desk.ingest()
    desk.work(until=FINALIZE)
    desk.kill(finalize_step(document, 1), times=deaths)
    desk.work()
    found, manifest = desk.document(document), desk.manifest(document)
    assert (found.state, manifest["state"], manifest["outputs"]) == (state, state.value, [])
    sentence = "Putting the document together ended its process each time it was tried."
    if state is DocumentState.PARTIAL:
        assert [page["state"] for page in manifest["pages"]] == ["done"] * 3
        assert found.reason == f"Every page was read. document.txt could not be made: {sentence}"
        assert retry(desk.tools, desk.context.results, desk.folder(document)).pages == []
        desk.work()
        assert desk.document(document).state is DocumentState.SUCCEEDED
        assert desk.pipeline.reads == Counter({1: 1, 2: 1, 3: 1})
    else:
        assert found.reason == sentence


def test_without_redis_the_message_goes_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise BrokerUnavailable("gone")

    desk.pdf()
    document = desk.ingest()
    monkeypatch.setattr(type(desk.store.status), "claim", gone)
    with pytest.raises(Reject) as caught:
        entry.split(document, 1)
    assert caught.value.args[1] is True  # requeue


def test_an_announcement_that_can_neither_be_taken_nor_delayed_goes_back(
    desk: Desk, flaky: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokerUnavailable("gone")

    desk.pdf()
    flaky.refuse["head", "a.pdf"] = StorageUnavailable("away")
    monkeypatch.setattr(type(desk.store.fleet), "delay", gone)
    with pytest.raises(Reject) as caught:
        entry.ingest(desk.ref().content())
    assert caught.value.args[1] is True  # requeue


def test_a_name_too_long_for_a_sidecar_has_none(desk: Desk) -> None:
    name = f"{'a' * 246}.pdf"  # with the sidecar's ending it is longer than a file system takes
    desk.pdf(name)
    document = desk.ingest(name)
    desk.work()
    assert desk.document(document).state is DocumentState.SUCCEEDED


def test_a_sidecar_that_is_denied_fails_the_document(desk: Desk, flaky: Flaky) -> None:
    desk.pdf()
    flaky.refuse["read", "a.pdf.pageline.json"] = AccessDenied("no")
    document = desk.ingest()
    desk.work()
    assert desk.document(document).state is DocumentState.FAILED
    assert desk.document(document).reason == AccessDenied.public


def test_an_announcement_nobody_understands_is_dropped(desk: Desk) -> None:
    entry.ingest({"key": "a.pdf"})
    entry.ingest({"source": "file:///in", "key": "a.pdf", "wish": 1})
    entry.ingest({"source": "gopher://in", "key": "a.pdf"})
    assert not desk.messages
    assert desk.store.listing.recent() == []


@pytest.mark.parametrize("task", [SPLIT, PAGES, FINALIZE])
def test_a_document_whose_request_was_removed_ends(desk: Desk, task: str) -> None:
    desk.pdf()
    document = desk.ingest()
    desk.work(until=task)
    (request,) = Location.parse(desk.settings.results).path.rglob("request.json")
    request.unlink()
    desk.context.request = desk.context._read_request  # another process would not have it in memory
    desk.work()
    assert desk.document(document).state is DocumentState.FAILED
    assert "request.json" in (desk.document(document).reason or "")
