"""How a trace gets from hop to hop: in headers, in Redis, in storage, in what is told of the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import Desk, desk_at

from infra.status.status import split_step
from tasks.dispatch import send
from tasks.produce import Producer
from worker.sending import tools_for
from worker.stack.valkey import ValkeyHandle

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def headers(desk: Desk) -> dict[str, object]:
    """Of the latest message for control workers."""
    (message,) = desk.store.client.lrange(f"{desk.settings.key_prefix}control", 0, 0)
    found: dict[str, object] = json.loads(str(message))["headers"]
    return found


def test_messages_about_a_document_carry_its_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.pdf()
    traced, untraced = desk.ingest(traceparent=PARENT), desk.ingest(options={"dpi": 100})
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    with tools_for(desk.settings, desk.store) as tools:
        send(tools, split_step(traced, 1))
        assert headers(desk)["traceparent"] == PARENT
        send(tools, split_step(untraced, 1))
        assert "traceparent" not in headers(desk)


def test_nobody_asks_for_a_trace_where_none_is_exported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    desk.pdf()
    document = desk.ingest(traceparent=PARENT)
    with tools_for(desk.settings, desk.store) as tools:
        send(tools, split_step(document, 1))
    assert "traceparent" not in headers(desk)


def test_an_announcement_carries_its_callers_trace(desk: Desk) -> None:
    desk.pdf()
    with Producer(desk.settings.broker_url, key_prefix=desk.settings.key_prefix) as producer:
        producer.announce(desk.ref(traceparent=PARENT))
    assert headers(desk)["traceparent"] == PARENT


def test_a_trace_outlives_redis(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(traceparent=PARENT)
    assert desk.store.listing.field(document, "traceparent") == PARENT
    desk.lose()
    desk.rebuild()
    assert desk.store.listing.field(document, "traceparent") == PARENT


def test_whoever_is_told_of_the_end_is_told_of_the_trace(tmp_path: Path, valkey: ValkeyHandle) -> None:
    notify = {"targets": ["redis-stream://ends"]}
    with desk_at(tmp_path, valkey.broker_url, notify=notify) as desk:
        desk.pdf()
        desk.ingest(traceparent=PARENT)
        desk.work(until="pageline.deliver")
        (letter,) = desk.store.outbox.take(1)
        assert json.loads(letter.event)["traceparent"] == PARENT


def test_the_trace_makes_no_other_document(desk: Desk) -> None:
    desk.pdf()
    assert desk.ingest(traceparent=PARENT) == desk.ingest()


@pytest.mark.parametrize("asked", [False, True])
def test_what_a_page_says_is_logged_only_when_asked_for(
    tmp_path: Path, valkey: ValkeyHandle, caplog: pytest.LogCaptureFixture, asked: bool
) -> None:
    caplog.set_level("DEBUG")
    with desk_at(tmp_path, valkey.broker_url, log_texts=asked) as desk:
        desk.pdf(pages=1)
        document = desk.ingest()
        desk.work()
        page = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    assert page["rec_texts"]
    assert all((text in caplog.text) is asked for text in page["rec_texts"])
