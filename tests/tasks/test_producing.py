from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import BrokerUnavailable
from infra.settings import QueueSettings
from infra.status import store_at
from tasks.produce import VISIBILITY_SECONDS, Producer
from tasks.records import DocumentRef, Manifest, PageFields, Request, manifest_schema
from tasks.ref import AnnouncementError
from worker.stack.valkey import ValkeyHandle

_HEAVY = {"numpy", "cv2", "PIL", "boto3", "botocore", "openvino", "onnxruntime", "paddle", "pypdfium2"}


def test_announcing_imports_nothing_heavy() -> None:
    program = "import json, sys, tasks.produce; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(found.stdout)}
    assert not loaded & {*_HEAVY, "pydantic", "opentelemetry"}


def test_the_visibility_timeout_is_the_settings_default() -> None:
    assert QueueSettings().visibility_seconds == VISIBILITY_SECONDS


def test_an_announcement_is_one_small_json_message(valkey: ValkeyHandle) -> None:
    with Producer(valkey.broker_url, key_prefix="produce:") as producer:
        producer.announce(DocumentRef(source="s3://inbox/in", key="a b.pdf", etag='"e"', options={"dpi": 72}))
    store = store_at(valkey.redis_url, "produce:", QueueSettings())
    (text,) = map(str, store.client.lrange("produce:control", 0, -1))
    message = json.loads(text)
    assert len(text) < 1500
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "pageline.ingest"
    store.client.delete(*store.client.scan_iter("produce:*"))
    store.close()


def test_a_broker_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with Producer(f"redis+socket://{tmp_path}/none.sock") as producer, pytest.raises(BrokerUnavailable):
        producer.announce(DocumentRef(source="s3://inbox", key="a.pdf"))


@pytest.mark.parametrize(
    "fields",
    [
        {"key": ""},
        {"tenant": "a:b"},
        {"tenant": ""},
        {"tenant": "../x"},
        {"unheard": 1},
        {"options": []},
        {"version": 3},
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(AnnouncementError):
        DocumentRef.of({"source": "s3://inbox", "key": "a.pdf", **fields})


def test_records_of_a_later_version_can_be_read() -> None:
    fields = PageFields.model_validate({"state": "done", "rec_texts": [], "from the future": 1})
    assert fields.reason is None


def test_the_schema_of_the_manifest_names_what_is_promised() -> None:
    schema = manifest_schema()
    promised = {
        *("id", "generation", "source", "state", "reason", "pages", "options", "pipeline", "outputs"),
        *("timings", "schema_version"),
    }
    assert promised <= set(schema["properties"])
    assert set(Manifest.model_fields) == set(schema["properties"])
    assert "source" in Request.model_fields
