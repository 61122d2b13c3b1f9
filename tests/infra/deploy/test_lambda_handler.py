"""The Lambda function, loaded from its file as Lambda does, against a real broker or none."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.errors import BrokerUnavailable
from infra.events import InvalidEvent
from infra.settings import QueueSettings
from infra.status import store_at
from worker.stack.valkey import ValkeyHandle

FILE = Path(__file__).resolve().parents[3] / "infra" / "deploy" / "aws" / "lambda" / "handler.py"
PREFIX = "lambda:"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lambda_handler", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def function(valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PAGELINE_BROKER_URL", valkey.broker_url)
    monkeypatch.setenv("PAGELINE_KEY_PREFIX", PREFIX)
    monkeypatch.setenv("PAGELINE_SOURCES", "s3://box/in, s3://other")
    store = store_at(valkey.redis_url, PREFIX, QueueSettings())
    yield load(), store.client
    for key in store.client.scan_iter(f"{PREFIX}*"):
        store.client.delete(key)
    store.close()


def notification(*keys: str) -> dict[str, Any]:
    found = [{"bucket": {"name": "box"}, "object": {"key": key, "eTag": "e"}} for key in keys]
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": one} for one in found]}


def batch(*bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{n}", "eventSource": "aws:sqs", "body": json.dumps(body)}
            for n, body in enumerate(bodies)
        ]
    }


def announced(client: Any) -> str:
    """Everything in Redis as one text: what is in line, and what was sent."""
    lists = [client.lrange(key, 0, -1) for key in client.scan_iter(f"{PREFIX}*", _type="list")]
    lines = [client.zrange(key, 0, -1) for key in client.scan_iter(f"{PREFIX}*", _type="zset")]
    return str(lists + lines)


def test_importing_it_brings_nothing_heavy() -> None:
    program = (
        "import json, sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('handler', {str(FILE)!r})\n"
        "spec.loader.exec_module(u.module_from_spec(spec))\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(found.stdout)}
    assert "celery" in loaded
    assert not loaded & {"boto3", "botocore", "numpy", "cv2", "PIL", "pydantic_settings", "pypdfium2", "rich"}


def test_an_event_of_s3_is_announced(function: Any) -> None:
    module, client = function
    assert module.handler(notification("in/first.pdf", "in/second.pdf", "out/no.pdf")) == {}
    found = announced(client)
    assert "first.pdf" in found
    assert "second.pdf" in found
    assert "no.pdf" not in found


def test_an_event_that_is_none_raises_for_the_failure_destination(function: Any) -> None:
    module, _ = function
    with pytest.raises(InvalidEvent):
        module.handler({"Records": [{"eventName": "ObjectCreated:Put"}]})


def test_of_a_batch_only_what_failed_comes_again(function: Any) -> None:
    module, client = function
    answer = module.handler(batch(notification("in/good.pdf"), {"bad": 1}, notification("in/fine.pdf")))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "good.pdf" in announced(client)
    assert "fine.pdf" in announced(client)


def test_a_broker_that_is_silent_is_asked_once_for_a_batch(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _ = function
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("PAGELINE_BROKER_URL", f"redis://127.0.0.1:{port}/0")
        with pytest.raises(BrokerUnavailable):
            module.handler(notification("in/a.pdf"))
        asked: list[Any] = []
        take = type(module._announcer()).take
        monkeypatch.setattr(
            type(module._announcer()), "take", lambda self, body: (asked.append(body), take(self, body))
        )
        answer = module.handler(batch(*(notification(f"in/{n}.pdf") for n in range(5))))
        assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == [
            f"m{n}" for n in range(5)
        ]
        assert len(asked) == 1
