"""`pageline callbacks`: what has not arrived, and another try for it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.settings import load_settings
from infra.status import Store, open_store
from infra.status.outbox import Letter, Settled
from worker.cli.app import app
from worker.cli.errors import CommandError
from worker.cli.terminal import stdout
from worker.stack.valkey import ValkeyHandle

DEAD = Letter("https://me:hidden@dead.example/hook?token=hidden", "{}")
WAITS = Letter("sqs://waits", "{}")


@pytest.fixture
def store(tmp_path: Path, valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in [name for name in os.environ if name.startswith("PAGELINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAGELINE_BROKER_URL", valkey.broker_url)
    monkeypatch.setenv("PAGELINE_KEY_PREFIX", f"{tmp_path.name}:")
    monkeypatch.setenv("PAGELINE_RESULTS", str(tmp_path / "out"))
    monkeypatch.setenv("COLUMNS", "200")
    stdout.cache_clear()  # a console measures when it is made, and tests before this one made theirs
    opened = open_store(load_settings())
    yield opened
    for key in opened.client.scan_iter(f"{tmp_path.name}:*"):
        opened.client.delete(key)
    opened.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["callbacks", *arguments])


def fill(store: Store) -> None:
    """A dead letter, one that failed and waits, and one behind it."""
    store.outbox.post("a1", 1, [DEAD])
    (letter,) = store.outbox.take(1)
    store.outbox.settle(letter, Settled.DEAD, "it answers 410 Gone")
    store.outbox.post("b2", 1, [WAITS])
    store.outbox.post("b2", 2, [WAITS])
    (letter,) = store.outbox.take(1)
    store.outbox.settle(letter, Settled.AGAIN, "it answers 503")


def test_nothing_to_list_is_said_so(store: Store) -> None:
    assert run("list").stdout == "every message has arrived\n"
    assert json.loads(run("list", "--json").stdout) == {"pending": [], "dead": []}


def test_what_waits_and_what_is_dead_is_listed_with_reasons_and_without_keys(store: Store) -> None:
    fill(store)
    shown = run("list").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "document target tries next try"
    assert lines[1].startswith("b2 sqs://waits 1 in ")
    assert lines[1].endswith("it answers 503")
    assert lines[2] == "b2 (generation 2) sqs://waits 0 after another"
    assert lines[3] == "a1 https://dead.example/hook 1 dead it answers 410 Gone"
    assert "hidden" not in shown


def test_a_table_that_is_piped_holds_whole_addresses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    stdout.cache_clear()
    address = f"https://{'long.' * 40}example/hook"
    store.outbox.post("c3", 1, [Letter(address, "{}")])
    assert address in run("list").stdout


def test_a_program_is_told_the_same(store: Store) -> None:
    fill(store)
    text = run("list", "--json").stdout
    found = json.loads(text)
    assert [(each["document"], each["generation"], each["reason"]) for each in found["pending"]] == [
        ("b2", 1, "it answers 503"),
        ("b2", 2, None),
    ]
    (dead,) = found["dead"]
    assert (dead["target"], dead["due"]) == ("https://dead.example/hook", None)
    assert dead["died"] >= dead["posted"]
    assert "hidden" not in text


def test_dead_letters_are_put_back(store: Store) -> None:
    fill(store)
    assert run("retry", "a1").stdout == "1 message to be delivered again\n"
    assert store.outbox.dead(10) == []
    assert [letter.document for letter in store.outbox.take(1)] == ["a1"]
    assert json.loads(run("retry", "--json").stdout) == {"retried": 0}


def test_a_document_without_dead_letters_is_an_error(store: Store) -> None:
    ended = run("retry", "nobody")
    assert isinstance(ended.exception, CommandError)
    assert str(ended.exception) == "there are no dead letters about a document nobody"
