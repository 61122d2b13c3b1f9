"""Bridges at real servers: Valkey, SeaweedFS, HTTP, and a folder."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from announcing import Ended, Recorder, body

from infra.errors import SettingsError
from infra.settings import QueueSettings
from infra.status import Store, store_at
from infra.status.cursors import Cursor
from infra.storage import Location, S3Options, open_storage
from tasks.ref import DocumentRef
from worker.bridge import folder, patience, redis_target, seaweedfs
from worker.bridge.announcer import Announcer
from worker.bridge.redis_target import RedisTarget
from worker.bridge.seaweedfs import FilerLog, LogBrokenOff
from worker.bridge.sorter import Sorter
from worker.bridge.webhook import TOKEN_VARIABLE, Webhook
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def announcer(recorder: Recorder) -> Announcer:
    return Announcer(Sorter(["s3://uploads/in"], None), recorder, "default")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_SECONDS", 0.0)


@pytest.fixture
def store(valkey: ValkeyHandle) -> Iterator[Store]:
    store = store_at(valkey.redis_url, "bridge:", QueueSettings())
    yield store
    for key in store.client.scan_iter("bridge:*"):
        store.client.delete(key)
    store.close()


def target(valkey: ValkeyHandle) -> RedisTarget:
    join = "&" if "?" in valkey.broker_url else "?"
    return RedisTarget(f"{valkey.broker_url}{join}key=bridge:minio")


def test_a_list_in_redis_is_emptied_as_it_is_announced(
    valkey: ValkeyHandle, store: Store, announcer: Announcer, recorder: Recorder
) -> None:
    messages = [body(f"in/{n}.pdf") for n in range(250)]
    store.client.rpush("bridge:minio", *messages[:120], "no event", *messages[120:])
    recorder.refusals = 3
    feed = target(valkey)
    while feed._take_from_list(announcer):
        pass
    assert [ref.key for ref in recorder.refs] == [f"{n}.pdf" for n in range(250)]
    assert store.client.lrange("bridge:minio:refused", 0, -1) == ["no event"]
    assert store.client.exists("bridge:minio") == 0


def test_nothing_leaves_the_list_before_it_is_announced(
    valkey: ValkeyHandle, store: Store, announcer: Announcer, recorder: Recorder
) -> None:
    store.client.rpush("bridge:minio", *(body(f"in/{n}.pdf") for n in range(5)))

    def end(ref: DocumentRef) -> None:
        if ref.key == "2.pdf":
            raise Ended

    recorder.ending = end
    with pytest.raises(Ended):
        target(valkey).serve(announcer)
    assert store.client.llen("bridge:minio") == 3


def test_a_hash_in_redis_is_looked_through_for_changes(
    valkey: ValkeyHandle,
    store: Store,
    announcer: Announcer,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_target, "_HASH_PAUSE_SECONDS", 0.0)
    store.client.hset("bridge:minio", mapping={f"uploads/in/{n}": body(f"in/{n}") for n in "ab"})
    feed = target(valkey)
    feed._take_some(announcer)
    store.client.hset("bridge:minio", "uploads/in/b", body("in/b").replace('"e"', '"new"'))
    feed._take_some(announcer)
    feed._take_some(announcer)
    assert [(ref.key, ref.etag) for ref in recorder.refs[2:]] == [("b", "new")]
    assert recorder.keys == ["a", "b", "b"]


def test_a_redis_url_names_its_key() -> None:
    with pytest.raises(SettingsError, match="names no key"):
        RedisTarget("redis://127.0.0.1:1/0")


@contextmanager
def listening(announcer: Announcer) -> Iterator[Callable[..., tuple[int, dict[str, Any]]]]:
    webhook = Webhook("webhook://127.0.0.1:0")
    thread = threading.Thread(target=webhook.serve, args=[announcer])
    thread.start()

    def send(data: str, method: str = "POST", **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", webhook.port, timeout=30)
        connection.request(method, "/events", data, headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return answer.status, found

    try:
        yield send
    finally:
        webhook._server.shutdown()
        thread.join()


def test_a_webhook_is_answered_when_all_is_announced(announcer: Announcer, recorder: Recorder) -> None:
    recorder.refusals = 1
    with listening(announcer) as send:
        assert send(body("in/a.pdf"))[0] == 503
        assert recorder.refs == []
        assert send(body("in/a.pdf"))[0] == 200
        assert send("no event") == (400, {"message": "the event is not JSON"})
        assert send("", "GET")[0] == 200
        assert send(body("in/b.pdf"), **{"Content-Length": "99999999"})[0] == 413
    assert recorder.keys == ["a.pdf"]


def test_a_webhook_wants_its_token(
    announcer: Announcer, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=TOKEN_VARIABLE):
        Webhook("webhook://0.0.0.0:0")
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    with listening(announcer) as send:
        assert send(body("in/a.pdf"))[0] == 401
        assert send(body("in/a.pdf"), Authorization="Bearer guess")[0] == 401
        assert recorder.refs == []
        assert send(body("in/a.pdf"), Authorization="Bearer secret")[0] == 200
    assert recorder.keys == ["a.pdf"]


def filer_log(server: SeaweedHandle, store: Store, scratch: Path, bucket: str) -> FilerLog:
    ports = f"{server.ports['filer.port']}.{server.ports['filer.port.grpc']}"
    cursor = Cursor(store.client, store.keys, bucket)
    return FilerLog(f"seaweedfs://127.0.0.1:{ports}/{bucket}/in", server.options, cursor, scratch)


def test_a_filers_log_is_followed_from_where_it_was_left(
    s3_server: SeaweedHandle, store: Store, recorder: Recorder, tmp_path: Path
) -> None:
    s3_server.create_bucket("followed")
    storage = open_storage(Location("s3", "followed"), s3_server.options)
    announcer = Announcer(Sorter(["s3://followed/in"], None), recorder, "default")

    def put(name: str) -> None:
        storage.create(f"in/{name}", name.encode(), content_type="application/pdf")

    def until(name: str) -> None:
        def end(ref: DocumentRef) -> None:
            if ref.key == name and ref.etag is not None:
                raise Ended

        recorder.ending = end
        with pytest.raises(Ended):
            filer_log(s3_server, store, tmp_path, "followed").serve(announcer)

    put("before")
    threading.Timer(0.5, put, ["while"]).start()
    until("while")
    assert {"before", "while"} <= set(recorder.keys)
    put("between")
    recorder.refs.clear()
    until("between")
    assert "between" in recorder.keys
    assert {ref.etag for ref in recorder.refs if ref.key == "between"} - {None} == {
        storage.head("in/between").etag
    }
    assert all(ref.sequencer for ref in recorder.refs if ref.etag)


def test_a_log_that_breaks_off_is_a_reason_to_try_again(
    s3_server: SeaweedHandle,
    store: Store,
    announcer: Announcer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3_server.create_bucket("uploads")
    monkeypatch.setattr(seaweedfs, "tail_arguments", lambda *arguments: ["version"])
    with pytest.raises(LogBrokenOff) as caught:
        filer_log(s3_server, store, tmp_path, "uploads")._follow(announcer)
    assert caught.value.retryable


@pytest.mark.parametrize("url", ["seaweedfs://host/box", "seaweedfs://host:8888", "seaweedfs://host:1.x/box"])
def test_a_filer_is_named_with_port_and_bucket(store: Store, tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="expected seaweedfs://"):
        FilerLog(url, S3Options(), Cursor(store.client, store.keys, "x"), tmp_path)


def test_a_folder_is_watched_within_its_source(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_PAUSE_SECONDS", 0.0)
    inbox = tmp_path / "source" / "in"
    inbox.mkdir(parents=True)
    sorter = Sorter([str(tmp_path / "source")], None)
    announcer = Announcer(sorter, recorder, "default")
    (inbox / "a.pdf").write_bytes(b"x")
    (inbox / "b.pdf").write_bytes(b"x")
    recorder.refusals = 2

    def end(ref: DocumentRef) -> None:
        if len(recorder.refs) == 2:
            raise Ended

    recorder.ending = end
    with pytest.raises(Ended):
        folder.WatchedFolder(Location("file", str(inbox)), sorter).serve(announcer)
    assert recorder.keys == ["in/a.pdf", "in/b.pdf"]
    with pytest.raises(SettingsError, match="none of the configured sources"):
        folder.WatchedFolder(Location("file", str(tmp_path)), Sorter(["s3://uploads"], None))
    with pytest.raises(SettingsError, match="there is no folder"):
        folder.WatchedFolder(Location("file", str(tmp_path / "none")), sorter)
